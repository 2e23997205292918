"""The blocks of the shop, for verify.py beside it: what they hold, who consented to be the till, which numbers follow.

Written from docs/log-format.md, "The shop", and docs/shop.md. `of` is verify.py, whose words are used here.
"""
SETTINGS = ("ship_by", "missing_after", "deemed_received", "return_window", "decide_within", "return_arrives",
            "agent_limit", "capacity", "silence", "retention_days")
IN_REASONS = ("delivery", "found", "correction", "other")
OUT_REASONS = ("damaged", "lost", "given", "correction", "other")
NUMBER = object()  # stands for a number that is in the event, and not in the command

def commands(of):
    """How the fields of each command are read and shown: by schema and kind, the name and a function."""
    def perhaps(read): return read.varint() if read.one_of(False, True) else None
    def price(minor, scale, name="price"):
        return {} if minor is None else {name: of.point(minor, scale), name + "_minor": str(minor)}
    def open_shop(read, message, members, scale):
        till, consented = read.varint(), read.one_of(False, True)
        if consented:
            key_id, signature = read.take(32), read.bytes()
            key = members.standing(till, key_id)
            of.need(key.may_all, "no_permission", "the key may only act")
            signed = b"ledgerd/till-consent/1\0" + message.ledger + till.to_bytes(8, "big") + key_id
            signed += message.account.to_bytes(8, "big") + message.command_id
            of.attempt("bad_consent", "the till has not signed it", key.verify, signature, signed)
        of.need(consented or till == message.account, "bad_consent", "the till is another's account")
        of.need(till in members.keys and till not in members.erased, "malformed_block", "the till is nobody's account")
        shown = {"till": till}
        for _ in range(read.varint()):
            number, value = read.uint(1), read.varint()
            of.need(number < len(SETTINGS), "malformed_block", "there is no such setting")
            name = SETTINGS[number]
            shown.update(price(value, scale, name) if name == "agent_limit" else {name: value})
        return shown
    def leave_till(*_): return {}
    def add_item(read, _message, _members, scale):
        return {"item": NUMBER, "name": read.text(), **price(perhaps(read), scale)}
    def moved(reasons):
        def fields(read, *_):
            item, quantity, reason = read.varint(), read.varint(), read.uint(1)
            of.need(reason < len(reasons), "malformed_block", "there is no such reason")
            return {"item": item, "quantity": quantity, "reason": reasons[reason]}
        return fields
    def publish(read, _message, _members, scale):
        return {"item": read.varint(), "quantity": read.varint(), **price(perhaps(read), scale)}
    def unpublish(read, *_):
        item, quantity = read.varint(), perhaps(read)
        off = {"off_sale": "true"} if quantity is None else {}
        return {"item": item, "quantity": NUMBER if quantity is None else quantity, **off}
    def set_price(read, _message, _members, scale): return {"item": read.varint(), **price(read.varint(), scale)}
    def load_stock(read, _message, _members, scale):
        return {"name": read.text(), "quantity": read.varint(), **price(perhaps(read), scale)}
    named = ("open_shop", open_shop), ("leave_till", leave_till), ("add_item", add_item), \
        ("stock_in", moved(IN_REASONS)), ("stock_out", moved(OUT_REASONS)), ("publish", publish), \
        ("unpublish", unpublish), ("set_price", set_price), ("load_stock", load_stock)
    return {(1, kind): known for kind, known in enumerate(named, 48)}

def finish(of, block, kind, read, event, members, number, items):
    """Reads what is left of command and event, and checks the numbers that follow from the blocks before. What was done."""
    right = True
    if kind == 48 and (not members.till or members.till[0] != items[0]["till"]):
        members.till = items[0]["till"], block.index
    elif kind == 49:
        right, members.till = members.till == (block.author, number), None
    elif kind == 50:
        right, members.items = number == members.items + 1, number
    elif kind == 54:
        right = items[0]["quantity"] in (NUMBER, number)
    elif kind == 55:
        right = number == 0 or number == 1 and event.varint() > 0
    elif kind == 56:
        right, members.items = members.items <= number <= members.items + len(items), number
        sold = {"on_sale": "true"} if read.one_of(False, True) else {}
        items = [{**item, **sold} for item in items]
    of.need(right, "malformed_block", "another number in the event")
    return [{name: number if value is NUMBER else value for name, value in item.items()} for item in items]
