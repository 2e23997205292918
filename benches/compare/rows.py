"""The rows of the comparison, in the order of the table: what each one runs and how it is called."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One kind of work of one system."""

    id: str
    system: str
    # Rows of one group do the same work and stand together: `raw`, `append` or `transfer`.
    group: str
    label: str
    clients: int
    # Orders or transfers in one operation.
    elements: int = 1
    # The row of PostgreSQL that this one is held against.
    beside: str = ""
    # What the system needs to know beside that: bytes of a write, commands in a pipeline.
    detail: int = 0
    # ledgerd's members sign with Ed25519 and not with RSA-3072.
    device_keys: bool = False


ROWS = [
    Row("floor-512", "floor", "raw", "write 512 B in place + fdatasync", 1, detail=512),
    Row("floor-64k", "floor", "raw", "write 64 KiB in place + fdatasync", 1, detail=64 << 10),
    Row("floor-512-grow", "floor", "raw", "append 512 B to a growing file + fdatasync", 1, detail=512),
    Row("floor-64k-grow", "floor", "raw", "append 64 KiB to a growing file + fdatasync", 1, detail=64 << 10),
    Row("pg-append-1", "postgresql", "append", "single-row INSERT", 1),
    Row("pg-append-16", "postgresql", "append", "single-row INSERT", 16),
    Row("pg-append-64", "postgresql", "append", "single-row INSERT", 64),
    Row("pg-append-100", "postgresql", "append", "100-row INSERT", 8, 100),
    Row("redis-append-1", "redis", "append", "XADD", 1, beside="pg-append-1", detail=1),
    Row("redis-append-64", "redis", "append", "XADD", 64, beside="pg-append-64", detail=1),
    Row("redis-pipeline-64", "redis", "append", "XADD, 64 in a pipeline", 64, beside="pg-append-64", detail=64),
    Row("sqlite-append-1", "sqlite", "append", "single-row INSERT", 1, beside="pg-append-1"),
    Row("sqlite-append-100", "sqlite", "append", "100 rows in a transaction", 1, 100, beside="pg-append-100"),
    Row("ledgerd-append-1", "ledgerd", "append", "1 order in a command, RSA keys", 1, beside="pg-append-1", detail=600),
    Row("ledgerd-append-16", "ledgerd", "append", "1 order in a command, RSA keys", 16, beside="pg-append-16", detail=2_000),
    Row("ledgerd-append-64", "ledgerd", "append", "1 order in a command, RSA keys", 64, beside="pg-append-64", detail=4_000),
    Row("ledgerd-device-1", "ledgerd", "append", "1 order in a command, device keys", 1, beside="pg-append-1", detail=1_200, device_keys=True),
    Row("ledgerd-device-16", "ledgerd", "append", "1 order in a command, device keys", 16, beside="pg-append-16", detail=8_000, device_keys=True),
    Row("ledgerd-device-64", "ledgerd", "append", "1 order in a command, device keys", 64, beside="pg-append-64", detail=32_000, device_keys=True),
    Row("ledgerd-append-8192", "ledgerd", "append", "8,192 orders in a command", 8, 8_192, beside="pg-append-100", detail=240),
    Row("pg-transfer-1", "postgresql", "transfer", "two-account transfer", 1),
    Row("pg-transfer-16", "postgresql", "transfer", "two-account transfer", 16),
    Row("pg-transfer-64", "postgresql", "transfer", "two-account transfer", 64),
    Row("ledgerd-transfer-1", "ledgerd", "transfer", "1 payment in a command", 1, beside="pg-transfer-1", detail=600),
    Row("ledgerd-transfer-16", "ledgerd", "transfer", "1 payment in a command", 16, beside="pg-transfer-16", detail=2_000),
    Row("ledgerd-transfer-64", "ledgerd", "transfer", "1 payment in a command", 64, beside="pg-transfer-64", detail=4_000),
    Row("ledgerd-transfer-8192", "ledgerd", "transfer", "8,192 payments in a command", 8, 8_192, beside="pg-transfer-64", detail=240),
]
