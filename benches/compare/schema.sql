-- What an order and a transfer are in PostgreSQL. Written so that PostgreSQL does least for one: no index beside the
-- primary key, a transfer is one round trip, and nothing is signed.

DROP TABLE IF EXISTS orders, transfers, accounts;

CREATE TABLE orders (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    placed_at  timestamptz NOT NULL DEFAULT now(),
    account    bigint NOT NULL,
    operation  text NOT NULL,
    stock_name text NOT NULL,
    quantity   bigint NOT NULL CHECK (quantity > 0),
    price      numeric NOT NULL,
    currency   char(3) NOT NULL
);

CREATE TABLE accounts (
    id      bigint PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0)
);

-- Enough accounts that clients rarely wait for the same one.
INSERT INTO accounts SELECT id, 1000000000 FROM generate_series(1, 10000) AS id;

CREATE TABLE transfers (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT now(),
    payer   bigint NOT NULL,
    payee   bigint NOT NULL,
    amount  bigint NOT NULL CHECK (amount > 0),
    memo    text NOT NULL
);

-- Both accounts are locked in the order of their numbers: two opposite transfers must not wait for each other.
CREATE OR REPLACE FUNCTION transfer(payer bigint, payee bigint, amount bigint, memo text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM accounts WHERE id IN (payer, payee) ORDER BY id FOR UPDATE;
    UPDATE accounts SET balance = balance - amount WHERE id = payer;
    UPDATE accounts SET balance = balance + amount WHERE id = payee;
    INSERT INTO transfers (payer, payee, amount, memo) VALUES (payer, payee, amount, memo);
END $$;

VACUUM ANALYZE accounts;
CHECKPOINT;
