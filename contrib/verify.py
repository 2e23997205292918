#!/usr/bin/env python3
"""A second verifier for ledgerd, written from docs/ alone: it shares no line with the first one.

    python3 contrib/verify.py receipt FILE... --vkey KEY [--leaf FIELD:HEX]
    python3 contrib/verify.py ledger  FILE... --vkey KEY [--checkpoint FILE]

`receipt` checks what `ledgerctl receipt` wrote. `ledger` walks what `ledgerctl export DIR --raw` wrote, from the
first block to the last; with --checkpoint, the ledger has to contain everything that this signed note speaks of.
With --leaf, a sealed text of the block is opened as well.
KEY is the ledger's verifier key, as `ledgerctl getKey --vkey` prints it. A FILE of `-` is standard input.

Checked are bytes, hashes, signatures and who signed. What the rules allow is not decided again: `ledgerctl audit` does
that. One verdict a file: on standard output if it is proven, else on standard error with the stable name of the first
reason. Exit code: 0 all proven, 65 something is not, 2 wrong usage or unreadable. Needs Python 3.9, `cryptography`.
"""
import argparse, base64, hashlib, json, math, re, struct, sys, unicodedata
from collections import namedtuple
from datetime import datetime, timedelta
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA3_256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
sys.dont_write_bytecode = True  # reading leaves nothing behind
import verify_shop

class NotProven(ValueError): """Something does not hold: a stable name and a sentence."""
def need(holds, name, reason):
    if not holds:
        raise NotProven(name, reason)
def attempt(name, reason, call, *arguments):
    """What the call returns; NotProven if it cannot make sense of its arguments."""
    try:
        return call(*arguments)
    except (ValueError, OverflowError, InvalidSignature, InvalidTag):
        raise NotProven(name, reason) from None
# Hashes and the tree: docs/log-format.md, "Block"; RFC 6962, 2.1.
def block_hash(data): return hashlib.sha3_256(b"ledgerd/block/1\0" + data).digest()
def leaf_hash(data): return hashlib.sha256(b"\0" + data).digest()
def node_hash(left, right): return hashlib.sha256(b"\1" + left + right).digest()
def tree_root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256().digest()
    left = 1 << (len(leaves) - 1).bit_length() - 1  # the largest power of two that is less
    return node_hash(tree_root(leaves[:left]), tree_root(leaves[left:]))
def proven_root(leaf, index, size, proof):
    """The root to which an inclusion proof leads; the proof's last hash is the one next to the root."""
    need(index < size <= 2**62 and bool(proof) == (size > 1), "not_included", "a proof of another length")
    if size == 1:
        return leaf
    left = 1 << (size - 1).bit_length() - 1
    if index < left:
        return node_hash(proven_root(leaf, index, left, proof[:-1]), proof[-1])
    return node_hash(proof[-1], proven_root(leaf, index - left, size - left, proof[:-1]))
# Text: one spelling for everything.
def from_base64(text, name, length=None):
    data = attempt(name, "not base64", base64.b64decode, text, None, True)
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), name, "not base64 as it should be")
    return data
def from_decimal(text, name):
    need(re.fullmatch("0|[1-9][0-9]{0,19}", text) and int(text) < 2**64, name, "not a number without leading zeros")
    return int(text)
# The verifier key and signed notes: C2SP signed-note, and docs/log-format.md, "Checkpoint".
def vkey(text):
    parts = re.fullmatch("([!-*,-~]{1,128})\\+([0-9a-f]{8})\\+(.*)", text)
    key = from_base64(parts[3] if parts else "?", "vkey", 33)
    key_hash = hashlib.sha256(parts[1].encode() + b"\n" + key).digest()[:4]
    need(key[0] == 1 and parts[2] == key_hash.hex(), "vkey", "not an Ed25519 key with its hash")
    return parts[1], key_hash, key[1:]  # origin, key hash, log key
def check_checkpoint(note, key):
    """Size and root of a checkpoint that this key signed."""
    text, _, signatures = note.rpartition("\n\n")
    (origin, key_hash, log_key), text, signed = key, text + "\n", False
    lines = signatures.split("\n")
    need(lines.pop() == "" and len(lines) <= 100, "checkpoint_signature", "not a signed note")
    for line in lines:
        parts = re.fullmatch("— ([^\\s+\0-\x1f]+) ([^ =]{7}[^ ]+)", line)  # more than the 4 bytes of a key hash
        signature = from_base64(parts[2] if parts else "?", "checkpoint_signature")
        if (parts[1], signature[:4]) == (origin, key_hash) and not signed:
            verify = ed25519.Ed25519PublicKey.from_public_bytes(log_key).verify
            attempt("checkpoint_signature", "it does not hold", verify, signature[4:], text.encode())
            signed = True
    need(signed, "checkpoint_signature", "it is not signed by the verifier key")
    lines = text.split("\n")
    need(len(lines) == 4 and lines[0] == origin, "malformed_checkpoint", "not a checkpoint of this origin")
    return from_decimal(lines[1], "malformed_checkpoint"), from_base64(lines[2], "malformed_checkpoint", 32)
# Members' keys: docs/channel.md, 2; docs/proofs.md, "Keys and signatures". Each key has exactly one DER spelling.
Key = namedtuple("Key", "key_id kind may_all custody verify")  # may_all: with full rights
PSS = padding.PSS(padding.MGF1(SHA3_256()), 32), SHA3_256()
RSA_BEFORE = bytes.fromhex("308201a2300d06092a864886f70d01010105000382018f003082018a0282018100")
SMALL_PRIMES = math.prod(p for p in range(2, 2**16) if all(p % d for d in range(2, math.isqrt(p) + 1)))
ED25519_BEFORE = bytes.fromhex("302a300506032b6570032100")
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493  # prime of the field, order of the group
D = -121665 * pow(121666, -1, P) % P  # -x^2 + y^2 = 1 + D x^2 y^2
ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER = {(y + sign).to_bytes(32, "little")  # 14 encodings, canonical or not, of the 8 points of small order
               for y in (0, 1, P - 1, P, P + 1, ORDER_8, P - ORDER_8) for sign in (0, 2**255)}
def parse_key(der, may_all, custody):
    """A key that satisfies the policy of its kind; `verify` raises InvalidSignature."""
    kind, verify = ("ed25519", ed25519_key) if der[:12] == ED25519_BEFORE else ("rsa3072", rsa_key)
    return Key(hashlib.sha3_256(b"ledgerd/key-id/1\0" + der).digest(), kind, may_all, custody, verify(der))
def rsa_key(der):
    n = int.from_bytes(der[33:-5], "big")
    spelled = RSA_BEFORE + n.to_bytes(len(der), "big")[-384:] + b"\2\3\1\0\1"
    need(der == spelled and n >> 3071 == 1, "invalid_key", "not RSA-3072 with e = 65537 in its one spelling")
    need(math.gcd(n, SMALL_PRIMES) == 1 and math.isqrt(n) ** 2 != n, "invalid_key", "the modulus is easy to factor")
    key = rsa.RSAPublicNumbers(65537, n).public_key()
    return lambda signature, data: key.verify(signature, data, *PSS)
def ed25519_key(der):
    y = int.from_bytes(der[12:], "little") & 2**255 - 1
    need(len(der) == 44 and y < P, "invalid_key", "not the one encoding of a point")
    x_squared = (y * y - 1) * pow(D * y * y + 1, -1, P)
    need(pow(x_squared, P // 2, P) == 1, "invalid_key", "not a point of the curve")
    need(der[12:] not in SMALL_ORDER, "invalid_key", "a point of small order")
    key = ed25519.Ed25519PublicKey.from_public_bytes(der[12:])
    def verify(signature, data):
        if len(signature) != 64 or int.from_bytes(signature[32:], "little") >= L or signature[:32] in SMALL_ORDER:
            raise InvalidSignature
        key.verify(signature, data)  # computes R and compares its bytes
    return verify
def check_signature(key, block):
    attempt("bad_signature", f"that of block {block.index}", key.verify, block.signature, block.message)
# Blocks: docs/log-format.md, "Block"; docs/wire-protocol.md, "Encoding".
class Reader:
    """Takes bytes apart from the front; whatever does not fit raises NotProven(name, …)."""
    def __init__(self, data, name):
        self.data, self.at, self.name = data, 0, name
    def take(self, count):
        need(len(self.data) - self.at >= count, self.name, "bytes are missing")
        self.at += count
        return self.data[self.at - count:self.at]
    def uint(self, count): return int.from_bytes(self.take(count), "big")
    def varint(self):
        value = shift = 0
        while (byte := self.uint(1)) > 127 and shift < 63:
            value, shift = value | (byte & 127) << shift, shift + 7
        value |= byte << shift
        need((byte or not shift) and value < 2**64, self.name, "a number is not in its one form")
        return value
    def bytes(self): return self.take(self.varint())
    def text(self): return attempt(self.name, "a text is not UTF-8", self.bytes().decode)
    def one_of(self, *variants):
        need((number := self.varint()) < len(variants) and variants[number] is not None, self.name, "an unknown variant")
        return variants[number]
    def end(self): need(self.at == len(self.data), self.name, "bytes are left over")
Block = namedtuple("Block", "data index timestamp previous_hash author author_previous message signature event")
Message = namedtuple("Message", "ledger account key_id command_id issued_at schema kind command")
NO_BLOCK = 2**64 - 1  # author_previous, if there is none
EPOCH, TIME_MAX = datetime(1970, 1, 1), 253402207200000000  # later times are shown as numbers
def parse_block(data):
    read = Reader(data, "malformed_block")
    fixed = read.uint(8), read.uint(8), read.take(32), read.uint(8), read.uint(8)
    block = Block(data, *fixed, *[read.take(read.uint(size)) for size in (4, 2, 4)])
    read.end()
    signed = len(block.signature) in (64, 384) or block.index == 0 and block.signature == b""
    need(signed and len(block.event) <= 2**16, "malformed_block", "a signature or an event of another length")
    return block
def parse_message(block):
    read = Reader(block.message, "malformed_block")
    need(read.take(19) == b"ledgerd/command/1\0\0", "malformed_block", "M does not begin like a command")
    fields = read.take(32), read.uint(8), read.take(32), read.take(16), read.uint(8), read.uint(2), read.uint(2)
    message = Message(*fields, read.take(read.uint(4)))
    read.end()
    need(len(message.command) <= 2**20 - 2**10, "malformed_block", "the command is too long")
    return message
def check_genesis(block, key):
    read = Reader(block.event, "malformed_block")
    need(block[3:8] == (bytes(32), 0, NO_BLOCK, b"", b"") and read.take(4) == b"\0\1\0\0", "malformed_block", "block 0")
    origin, log_key, server_key, _nonce = read.text(), read.take(32), read.bytes(), read.take(32)
    settings = [(read.text(), read.text()) for _ in range(read.varint())]
    read.end()
    need(all(a < b for (a, _), (b, _) in zip(settings, settings[1:])), "malformed_block", "settings are not sorted")
    need((origin, log_key) == (key[0], key[2]), "other_ledger", "genesis names another origin or log key")
    return server_key, settings
def same_author(block, message): need(message.account == block.author, "other_author", "M names another account")
def read_registration(read, schema):
    """Handle and key of whoever registers; with schema 2 also the custody of the key, and the profile."""
    handle, der, joins = read.text(), read.bytes(), schema == 2
    return handle, der, read.one_of(*CUSTODY) if joins else "file", read_profile(read, True, 1) if joins else None
def check_registration(block, message):
    """Account, handle and key of whom this block registers, if it is a registration that its key signed."""
    read, event = Reader(message.command, "no_registration"), Reader(block.event, "no_registration")
    known = message[5:7] in ((1, 1), (2, 1)) and event.take(4) == b"\0\1\0\1"
    need(known, "no_registration", "another kind of block")
    account, (handle, der, custody, _) = event.varint(), read_registration(read, message.schema)
    read.end(), event.end()
    key = parse_key(der, True, custody)
    need(key.kind == "rsa3072", "invalid_key", "an account begins with a key of RSA")
    same = block.author == message.account == 0 and message.key_id == key.key_id
    need(same, "other_author", "M names an account or another key")
    check_signature(key, block)
    return account, handle, key
CUSTODY = ("file", "roaming", "device")
NewKey = namedtuple("NewKey", "der custody rights label proof ends password")
def read_new_key(read, kind):
    """The command that adds a key (kind 4), or puts one in another's place (kind 6)."""
    der, custody = read.bytes(), read.one_of(*CUSTODY)
    rights = read.one_of("full", "act") if kind == 4 else "full"
    label, proof, ends = read.text(), read.bytes(), read.take(32) if kind == 6 else None
    return NewKey(der, custody, rights, label, proof, ends, read_password(read))
def read_password(read, epoch=None):
    """The trace of a password, as an export shows it, if there is one: its number for the account, and its digest."""
    if not read.one_of(False, True):
        return {}
    need((epoch := epoch or read.varint()) < 2**32, read.name, "an epoch is too large")
    return {"epoch": str(epoch), "commit": read.take(32).hex()}
def proven_key(new, message, name):
    """The new key, if it has signed that it is to be one of this account's on this ledger."""
    key = parse_key(new.der, new.rights == "full", new.custody)
    signed = b"ledgerd/key-proof/1\0" + message.ledger + message.account.to_bytes(8, "big") + key.key_id
    attempt(name, "a new key has not signed its proof", key.verify, new.proof, signed)
    return key
def introduced(block, message, known):
    """The key that a block introduces beside these, and the id of the one that it ends; none if it is of another kind."""
    if (message.schema, message.kind) not in ((1, 4), (1, 6)):
        return None, None
    read, event = Reader(message.command, "unreadable"), Reader(block.event, "unreadable")
    try:
        new = read_new_key(read, message.kind)
        need(event.take(4) == b"\0\1" + message.kind.to_bytes(2, "big"), "unreadable", "another command's event")
        event.varint(), read.end(), event.end()
    except NotProven:
        return None, None
    key = proven_key(new, message, "key_chain")
    need(key.key_id not in known, "key_chain", "a key is introduced that came before, or ended")
    return key, new.ends
# Receipts: docs/proofs.md, "The receipt, line by line"; the numbers are those of its list.
def check_receipt(file, key, leaf):
    head, _, note = attempt("malformed_receipt", "not UTF-8", file.read().decode).partition("\n\n")
    lines = re.fullmatch("c2sp\\.org/tlog-proof@v1\nextra (.*)\nindex (.*)((?:\n.+){0,64})", head)  # 1
    need(lines, "malformed_receipt", "not the lines of a receipt")
    index = from_decimal(lines[2], "malformed_receipt")
    proof = [from_base64(line, "malformed_receipt", 32) for line in lines[3].split("\n")[1:]]
    read = Reader(from_base64(lines[1], "malformed_receipt"), "malformed_extra")
    need(read.take(18) == b"ledgerd/receipt/2\0", "malformed_extra", "it does not begin like a receipt")
    block, count = read.take(read.uint(4)), read.uint(1)
    blocks = [(read.take(read.uint(4)), [read.take(32) for _ in range(read.uint(1))]) for _ in range(count)]
    read.end()
    short = count <= 64 and all(len(hashes) <= 64 for _, hashes in blocks)
    need(short, "malformed_extra", "more key blocks, or hashes of one, than there can be")
    size, root = check_checkpoint(note, key)  # 2
    block = parse_block(block)  # 3
    need(block.index == index, "other_index", "the block has another index")
    need(proven_root(leaf_hash(block.data), index, size, proof) == root, "not_included", "the block is not in the tree")
    if index == 0:  # 4
        need(not blocks, "no_registration", "it does not belong here")
        check_genesis(block, key)
        return f"genesis of ledger {block_hash(block.data).hex()}"
    message = parse_message(block)  # 5
    same_author(block, message)
    if block.author == 0:  # 6
        need(not blocks, "no_registration", "it does not belong here")
        account, handle, signer = check_registration(block, message)
        new = signer
    else:  # 7 to 10
        account, handle, signer, known = check_keys(blocks, block, message, size, root)
        check_signature(signer, block)
        new, _ends = introduced(block, message, known)
    says = f"block {index} of {size}, by account {account}, {handle!r}, key {signer.key_id.hex()}, custody {signer.custody}"
    says += f", introducing key {new.key_id.hex()}" if new else ""
    says += f"; the sealed text says {opened(message, *leaf)!r}" if leaf else ""
    return says + "; that the key had not ended is the ledger's word" * bool(blocks)
def check_keys(blocks, block, message, size, root):
    """Account, handle and key of a block's author: the key that the last of these blocks introduces; and all their keys."""
    need(blocks, "no_registration", "it is missing")
    newest, known = None, {}  # a key that ended is known as None
    for data, proof in blocks:
        at = parse_block(data)
        included = proven_root(leaf_hash(at.data), at.index, size, proof) == root
        need(included, "not_included", "a block that introduces a key is not in the tree")
        said = parse_message(at)
        if newest is None:  # 7
            (account, handle, key), ends = check_registration(at, said), None
            need(said.ledger == message.ledger, "other_ledger", "the registration is of another ledger")
            same = account == block.author and at.index < block.index
            need(same, "other_author", "the registration is somebody else's, or came later")
        else:  # 8
            need(newest < at.index < block.index, "key_chain", "its blocks are not in the order of the log")
            need(said.ledger == message.ledger, "other_ledger", "a key of another ledger")
            need(at.author == said.account == block.author, "other_author", "a key of somebody else")
            by = known.get(said.key_id)
            need(by and by.may_all, "key_chain", "a key was introduced by one that may not, that ended, or is not shown")
            check_signature(by, at)
            key, ends = introduced(at, said, known)
            need(key, "key_chain", "one of its blocks introduces no key")
        newest, known[key.key_id], known[ends] = at.index, key, None
    name = "key_chain" if len(blocks) > 1 else "other_author"
    same = known[key.key_id] and key.key_id == message.key_id
    need(same, name, "the last block introduces another key than the one that signed, or one that ended")  # 9
    return account, handle, key, known
# Ledgers: docs/log-format.md for the blocks; docs/cli.md, "copy, export", for the lines that show them.
SETTINGS = {"currency": "[A-Za-z0-9]{1,12}", "opening_grant": "0|[1-9][0-9]{0,19}", "operator": "[0-9a-f]{64}",
            "scale": "[0-9]"}
def check_ledger(file, key, note):
    head, time, leaves, last, seen, members = bytes(32), -1, [], {}, set(), Members()
    numbers = {16: 0, 34: 0, 35: 0, 48: 0}
    for number, line in enumerate(file):
        raw = re.fullmatch(rb'\{.*,"raw":"((?:[0-9a-f]{2})*)"\}\n', line)
        need(raw, "malformed_line", f"line {number + 1} is not one of an export with --raw")
        block = parse_block(bytes.fromhex(raw[1].decode()))
        linked = block.index == number and block.previous_hash == head and block.timestamp > time
        need(linked and block.author_previous == last.get(block.author, NO_BLOCK), "chain_broken", f"at block {number}")
        if number == 0:
            (server_key, settings), ledger, data = check_genesis(block, key), block_hash(block.data), "Genesis Block"
            rsa_key(server_key)
            for name, value in settings:
                known = re.fullmatch(SETTINGS.get(name, "(?!)"), value)
                need(known and (name != "opening_grant" or int(value) < 2**64), "unknown_setting", f"{name!r}: {value!r}")
            scale = int(dict(settings).get("scale", "0"))
        else:
            same_author(block, message := parse_message(block))
            need(message.ledger == ledger, "other_ledger", f"block {number} was signed for another ledger")
            command_id = (block.author or message.key_id, message.command_id)
            need(command_id not in seen, "repeated_command", f"block {number} repeats a command")
            seen.add(command_id)
            if block.author == 0:
                account, handle, first = check_registration(block, message)
                need(account == len(members.keys) + 1, "other_author", f"block {number}: not the next account")
                members.add(account, first)
                *_, custody, profile = read_registration(Reader(message.command, "malformed_block"), message.schema)
                more = {"custody": custody, **show_profile(profile)} if profile else {}
                members.fetch(account, first.key_id.hex(), more, number)
                data = {"user_id": account, "operation_type": "register", "handle": handle, **more}
            else:
                check_signature(members.signer(block.author, message.key_id, message.kind), block)
                data = read_command(block, message, members, numbers, scale)
        before, head, time, last[block.author] = head, block_hash(block.data), block.timestamp, number
        leaves.append(leaf_hash(block.data))
        shown = {"index": number, "timestamp": moment(time), "data": data, "hash": head.hex(),
                 "previous_hash": before.hex() if number else "0", "raw": block.data.hex()}
        shown = json.dumps(shown, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        need(shown == line, "malformed_line", f"line {number + 1} does not show what its block holds")
    size, root = check_checkpoint(note, key) if note is not None else (0, tree_root([]))
    need(len(leaves) >= max(size, 1), "rollback", "there are fewer blocks than the checkpoint speaks of, or none")
    need(tree_root(leaves[:size]) == root, "fork", "the checkpoint is over other blocks")
    return f"{len(leaves)} blocks of ledger {ledger.hex()}, root {tree_root(leaves).hex()}; rules not decided again"
class Members:
    """The keys of every account that stand at this block, and whose each is that there ever was."""
    def __init__(self):
        self.keys, self.ever, self.erased, self.passwords, self.fetched, self.factors = {}, {}, set(), {}, {}, {}
        self.enrolled, self.ended = {}, (0, 0)  # ended: keys and secrets of the account that was erased last
        self.till, self.items = None, 0  # the shop's till with the block that made it that; how many items there are
        self.settings, self.purchases = [], {}  # of the shop: the values of each number, and what was bought
    def signer(self, account, key_id, kind):
        """The key that signs for an account, if it stands and may sign a command of this kind."""
        key = self.standing(account, key_id)
        need(key.may_all or kind not in NEEDS_ALL, "no_permission", "the key may only act")
        return key
    def standing(self, account, key_id):
        need(account not in self.erased, "erased", f"account {account} was erased before")
        key, ended = self.keys.get(account, {}).get(key_id), self.ever.get(key_id) == account
        need(key, "key_ended" if ended else "other_author", f"account {account} has no such key" + ended * " any more")
        return key
    def add(self, account, key):
        need(key.key_id not in self.ever, "key_known", "a key is introduced a second time")
        self.ever[key.key_id] = account
        self.keys.setdefault(account, {})[key.key_id] = key
    def erase(self, account):
        need(account in self.keys and account not in self.erased, "malformed_block", "nobody is erased, or somebody twice")
        self.erased.add(account)
        secrets = (self.fetched.pop(account, None) is not None) + 2 * (self.enrolled.pop(account, None) is not None)
        self.ended = len(self.keys.pop(account)), secrets
        self.keys[account] = {}
    def end(self, account, key_id):
        self.keys[account].pop(self.standing(account, key_id).key_id)
        if self.fetched.get(account, "?")[0] == key_id.hex():
            del self.fetched[account]
    def factor(self, account, enrolled):
        """Notes the block of an account's next second factor, or that it has none; the block of the one before."""
        before, self.factors[account] = self.enrolled.pop(account, None), self.factors.get(account, 0) + 1
        self.enrolled.update({account: enrolled} if enrolled else {})
        return before
    def fetch(self, account, key_id, shown, index):
        """Notes the key that a password fetches, and the block, if this block brings an account's next password."""
        if "epoch" in shown:
            self.passwords[account] = self.passwords.get(account, 0) + 1
            need(shown["epoch"] == str(self.passwords[account]), "malformed_block", "not the account's next password")
            self.fetched[account] = key_id, index
def read_command(block, message, members, numbers, scale):
    """What was done, as an export shows it; `numbers` has the next number of each kind that is numbered."""
    known, event = COMMANDS.get((message.schema, message.kind)), Reader(block.event, "malformed_block")
    need(known, "malformed_block", f"block {block.index}: an unknown command")
    (operation, fields), read = known, Reader(message.command, "malformed_block")
    shown, several = {"user_id": block.author, "operation_type": operation}, message.kind in (16, 32, 56, 57, 64)
    items = [{**shown, **fields(read, message, members, scale)} for _ in range(read.varint() if several else 1)]
    need(items, "malformed_block", "a command that does nothing")
    need(event.take(4) == b"\0\1" + message.kind.to_bytes(2, "big"), "malformed_block", "another command's event")
    number = event.varint()
    if message.kind == 11:
        _roles, _scopes, ended = event.varint(), event.varint(), (number, event.varint())
        need(ended == members.ended, "malformed_block", "another number of keys or of secrets in the event")
        items += verify_shop.erase(this, event, members, items[0], scale)
    if message.kind in (9, 10):
        account, keeps = items[0].get("account", block.author), message.kind == 9 and "off" not in items[0]
        before = members.factor(account, keeps and block.index)
        number = number if message.kind == 10 else event.varint() if number == 1 else None if number == 0 else -1
        same = items[0].get("generation", str(members.factors[account])) == str(members.factors[account])
        need(same and number == before and (before or keeps), "malformed_block", "another second factor before it")
    if message.kind in range(48, 65):
        items = verify_shop.finish(this, block, message.kind, read, event, members, number, items, scale)
    read.end(), event.end()
    if message.kind in numbers:
        need(number == numbers[message.kind], "malformed_block", "another number in the event")
        numbers[message.kind] += len(items)
    if message.kind in (4, 5, 6):
        need(number == len(members.keys[block.author]), "malformed_block", "another number of keys in the event")
    if "epoch" in items[0]:
        key_id, before = members.fetched.get(block.author, (None, None))
        need(key_id or message.kind in (4, 6), "malformed_block", "a password of an account without one")
        need(number == before or message.kind != 7, "malformed_block", "it replaces the password of another block")
        members.fetch(block.author, items[0].get("key_id", key_id), items[0], block.index)
    return items[0] if len(items) == 1 else items
def order(read, *_):
    shape = read.uint(1)
    priced, scaled, letters = shape & 2, shape & 4, shape >> 3
    shown = {"operation_type": ("buy", "sell")[shape & 1], "stock_name": read.text()}
    need(re.fullmatch("[A-Za-z0-9.^/=&:_+-]{1,32}", shown["stock_name"]), "malformed_block", "not the name of a stock")
    quantity, scales = read.varint(), read.uint(1) if scaled else 0
    need(bool(scales) == bool(scaled) and (priced or not scales & 15 and not letters), "malformed_block", "another form")
    if (quantity, scales >> 4) != (1, 0):
        shown["quantity"] = decimal(quantity, scales >> 4) if scales >> 4 else quantity
    if priced:
        shown["price"] = decimal(read.varint(), scales & 15)
    if letters:
        shown["currency"] = read.take(letters).decode("latin-1")
        need(re.fullmatch("[A-Z]{2,8}", shown["currency"]), "malformed_block", "not the name of a currency")
    return shown
def decimal(mantissa, scale):
    need(scale <= 8 and (not scale or mantissa % 10), "malformed_block", "a decimal in another form")
    return point(mantissa, scale)
def order_v1(read, *_):
    shown = {"operation_type": read.one_of("buy", "sell"), "stock_name": read.text()}
    need(re.fullmatch("[A-Z0-9.-]{1,16}", shown["stock_name"]), "malformed_block", "not the name of a stock")
    if (quantity := read.varint()) != 1:
        shown["quantity"] = quantity
    if read.one_of(False, True):
        whole, fraction = divmod(read.varint(), 10000)
        shown["price"] = f"{whole}.{fraction:04}".rstrip("0").rstrip(".")
        if read.one_of(False, True):
            shown["currency"] = read.take(3).decode("latin-1")
    return shown
def settle(read, message, members, scale):
    signed, signature = read.bytes(), read.bytes()
    need(signed[:24] == b"ledgerd/payment-order/1\0" and len(signed) >= 138, "malformed_block", "not a cheque")
    ledger, payer, key_id, cheque_id, payee, amount, _expires, length = struct.unpack(">32sQ32s16sQQQH", signed[24:138])
    text = attempt("malformed_block", "a memo is not UTF-8", signed[138:].decode)
    need(length == len(signed) - 138 <= 96, "malformed_block", "a memo of another length")
    need((ledger, payee) == (message.ledger, message.account), "other_author", "a cheque of another ledger or payee")
    key = members.signer(payer, key_id, message.kind)
    attempt("bad_cheque_signature", f"cheque {cheque_id.hex()}", key.verify, signature, signed)
    return {"from": payer, **money(amount, scale), "cheque_id": cheque_id.hex(), **memo(text)}
def revoke_cheque(read, *_): return {"cheque_id": read.take(16).hex()}
def add_key(read, message, members, _scale):
    new = read_new_key(read, message.kind)
    if new.ends:
        need(new.ends == message.key_id, "no_permission", "a key ends that has not signed it")
        members.end(message.account, new.ends)
    members.add(message.account, key := proven_key(new, message, "bad_key_proof"))
    last = {"ends": new.ends.hex()} if new.ends else {"rights": new.rights}
    shown = {"label": new.label, "key_id": key.key_id.hex(), "kind": key.kind, "custody": new.custody}
    return {**shown, **last, **new.password}
def set_credential(read, message, *_):
    key_id, epoch, commit = read.take(32), str(read.varint()), read.take(32).hex()
    need(key_id == message.key_id, "no_permission", "a password of another key than the one that signed it")
    return {"key_id": key_id.hex(), "via": read.one_of("password", "recovery"), "epoch": epoch, "commit": commit}
Profile = namedtuple("Profile", "opens scope texts password")  # scope: the commitment to its key if it is opened
def read_profile(read, opens, epoch=None):
    scope, texts = read.take(32 if opens else 16), [(read.take(32), read.bytes()) for _ in range(2)]
    return Profile(opens, scope, texts, read_password(read, epoch))
def show_profile(profile):
    need(all(len(text) in SEALED for _, text in profile.texts), "malformed_block", "a sealed text of another length")
    return {"scope_key" if profile.opens else "scope": profile.scope.hex(), **profile.password}
def set_profile(read, *_): return show_profile(read_profile(read, read.one_of(True, False)))
# Sealed text: docs/log-format.md, "Sealed text".
def opened(message, field, leaf):
    """The text in a sealed field of a command, for whoever was shown its leaf."""
    read, of = Reader(message.command, "no_such_field"), (message.schema, message.kind)
    need(of in ((2, 1), (1, 8), (1, 58), (1, 60)), "no_such_field", "the block holds no sealed text")
    sealed = read_profile(read, read.one_of(True, False)) if of == (1, 8) else \
        read_registration(read, 2)[-1] if of == (2, 1) else verify_shop.read_text(read, message.kind)[-1]
    read.end()
    opens, scope, texts, *_ = sealed or (None, None, [])
    need(field < len(texts), "no_such_field", "the block has no sealed field of this number")
    (commit, text), account = texts[field], message.account.to_bytes(8, "big")
    if opens:
        named = b"ledgerd/scope/1\0" + message.ledger + account + message.key_id + message.command_id
        scope = hashlib.sha3_256(named).digest()[:16]
    place = message.ledger + account + scope + message.command_id + field.to_bytes(2, "big")
    keys = HKDFExpand(SHA3_256(), 96, b"ledgerd/seal/1\0" + place).derive(leaf)
    need(keys[64:] == commit, "seal_broken", "the leaf is of another text")
    plain = attempt("seal_broken", "it does not open", AESSIV(keys[:64]).decrypt, text, [place + commit])
    length = int.from_bytes(plain[:2], "big")
    least = min(size for size in SEALED if size >= length + 18) - 16 if length <= 2046 else 0
    padded = len(plain) == least and not any(plain[2 + length:])
    need(padded, "seal_broken", "its padding is not the one that there is")
    shown = attempt("seal_broken", "the text is not UTF-8", plain[2:2 + length].decode)
    kept = unicodedata.is_normalized("NFC", shown) and not any(c != "\n" and unicodedata.category(c) == "Cc" for c in shown)
    need(kept, "seal_broken", "it is no text that may be kept")
    return shown
def erase(read, _message, members, _scale):
    account, reason, force = read.varint(), read.one_of(*REASONS), read.one_of(False, True)
    members.erase(account)
    return {"account": account, "reason": reason, **({"force": "true"} if force else {})}
def set_factor(read, *_):
    return {"generation": str(read.varint()), **({"off": "true"} if read.one_of(False, True) else {})}
def reset_factor(read, *_): return {"account": read.varint(), "reason": read.one_of(*RESET_REASONS)}
def end_key(read, message, members, _scale):
    members.end(message.account, key_id := read.take(32))
    return {"key_id": key_id.hex()}
def role(read, *_): return {"account": read.varint(), "role": read.one_of("operator", "agent", "auditor", "witness")}
def issue(read, _message, _members, scale):
    return {"to": read.varint(), **money((coded := read.varint()) >> 1 ^ -(coded & 1), scale)}
def pay(read, *more): return {**issue(read, *more), **memo(read.text())}
def pay_out(read, _message, members, scale):
    account, to, amount = read.varint(), read.varint(), read.varint()
    need(account in members.erased and to not in members.erased, "malformed_block", "money of nobody who was erased")
    return {"account": account, "to": to, **money(amount, scale), "reason": read.one_of(*PAY_OUT_REASONS)}
def money(minor, scale):
    return {"amount": "-" * (minor < 0) + point(abs(minor), scale), "minor": str(minor)}
def point(number, scale):
    digits = f"{number:0{scale + 1}}"
    return digits[:len(digits) - scale] + "." * (scale > 0) + digits[len(digits) - scale:]
def memo(text): return {"memo": text} if text else {}
def vouch(read, *_): return {"time": moment(min(read.varint() * 1000, 2**64 - 1))}
def moment(us): return (EPOCH + timedelta(0, 0, us)).isoformat("T", "microseconds") + "Z" if us <= TIME_MAX else f"{us}us"
COMMANDS = {(1, 2): ("grant", role), (1, 3): ("revoke", role), (1, 4): ("add_key", add_key), (1, 5): ("end_key", end_key),
            (1, 6): ("rotate_key", add_key), (1, 7): ("set_credential", set_credential),
            (1, 8): ("set_profile", set_profile), (1, 9): ("set_second_factor", set_factor),
            (1, 10): ("reset_second_factor", reset_factor), (1, 11): ("erase", erase),
            (1, 13): ("vouch_clock", vouch), (1, 16): ("order", order_v1),
            (2, 16): ("order", order), (1, 32): ("pay", pay), (1, 33): ("issue", issue), (1, 34): ("settle", settle),
            (1, 35): ("revoke_cheque", revoke_cheque), (1, 36): ("pay_out", pay_out), **verify_shop.commands(this := sys.modules[__name__])}
NEEDS_ALL = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 33, 36, 48, 49)  # kinds of commands that only a key with full rights may sign
SEALED = (48, 80, 144, 272, 528, 1040, 2064)  # bytes that a sealed text can have
REASONS = ("own_wish", "requested", "law", "misuse", "other")
RESET_REASONS = ("lost", "stolen", "vault", "other")
PAY_OUT_REASONS = ("heirs", "owner_request", "law", "mistake", "other")
def shown_leaf(text):
    parts = re.fullmatch("(0|[1-9][0-9]{0,4}):([0-9a-f]{64})", text)
    if not parts:
        raise argparse.ArgumentTypeError("expected FIELD:HEX with 64 hexadecimal digits")
    return int(parts[1]), bytes.fromhex(parts[2])
CHECKS = {"receipt": check_receipt, "ledger": check_ledger}
def main():
    parser = argparse.ArgumentParser(description="Checks what ledgerd says, without its code.", allow_abbrev=False)
    parser.add_argument("what", choices=CHECKS)
    parser.add_argument("files", metavar="FILE", nargs="+", help="- for standard input")
    parser.add_argument("--vkey", metavar="KEY", required=True, type=vkey, help="the ledger's verifier key")
    parser.add_argument("--checkpoint", metavar="FILE", help="ledger only: a signed note that it has to extend")
    parser.add_argument("--leaf", metavar="FIELD:HEX", type=shown_leaf, help="receipt only: opens a sealed text")
    args, exit_code = parser.parse_args(), 0
    args.leaf and args.what == "ledger" and parser.error("a leaf opens a text of one block")
    args.checkpoint and args.what == "receipt" and parser.error("a receipt has a checkpoint of its own")
    try:
        note = args.checkpoint and open(args.checkpoint, encoding="utf-8", newline="").read()
        for path in args.files:
            file, check = open(0 if path == "-" else path, "rb"), CHECKS[args.what]
            try:
                print(f"{path}: proven: {check(file, args.vkey, note or args.leaf)}")
            except NotProven as error:
                exit_code = 65
                print(f"{path}: not proven: {error.args[0]}: {error.args[1]}", file=sys.stderr)
    except (OSError, UnicodeDecodeError) as error:
        parser.error(str(error))
    return exit_code
if __name__ == "__main__":
    sys.exit(main())
