"""The blocks of the shop, for verify.py beside it: what they hold, who consented to be the till, what has to follow.

Written from docs/log-format.md, "The shop", and docs/shop.md. `of` is verify.py, whose words are used here.
"""
SETTINGS = ("ship_by", "missing_after", "deemed_received", "return_window", "decide_within", "return_arrives",
            "agent_limit", "capacity", "silence", "retention_days")
AT_FIRST = dict(zip(SETTINGS, (7, 7, 30, 14, 7, 30, None, 1, 120, 0)))
DUE = {58: ("ship_by", "ship_by"), 60: ("received_by", "deemed_received"), 61: ("return_by", "return_window"),
       62: ("found_by", "ship_by")}  # by kind: the field that shows a deadline, and the setting that counts its days
DAY = 24 * 60 * 60 * 10**6  # microseconds
IN_REASONS = ("delivery", "found", "correction", "other")
OUT_REASONS = ("damaged", "lost", "given", "correction", "other")
NUMBER = object()  # stands for a number that is in the event, and not in the command
def price(of, minor, scale, name="price"):
    return {} if minor is None else {name: of.point(minor, scale), name + "_minor": str(minor)}

def commands(of):
    """How the fields of each command are read and shown: by schema and kind, the name and a function."""
    def perhaps(read): return read.varint() if read.one_of(False, True) else None
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
            shown.update(price(of, value, scale, name) if name == "agent_limit" else {name: value})
        return shown
    def leave_till(*_): return {}
    def add_item(read, _message, _members, scale):
        return {"item": NUMBER, "name": read.text(), **price(of, perhaps(read), scale)}
    def moved(reasons):
        def fields(read, *_):
            item, quantity, reason = read.varint(), read.varint(), read.uint(1)
            of.need(reason < len(reasons), "malformed_block", "there is no such reason")
            return {"item": item, "quantity": quantity, "reason": reasons[reason]}
        return fields
    def publish(read, _message, _members, scale):
        return {"item": read.varint(), "quantity": read.varint(), **price(of, perhaps(read), scale)}
    def unpublish(read, *_):
        item, quantity = read.varint(), perhaps(read)
        off = {"off_sale": "true"} if quantity is None else {}
        return {"item": item, "quantity": NUMBER if quantity is None else quantity, **off}
    def set_price(read, _message, _members, scale): return {"item": read.varint(), **price(of, read.varint(), scale)}
    def load_stock(read, _message, _members, scale):
        return {"name": read.text(), "quantity": read.varint(), **price(of, perhaps(read), scale)}
    def buy(read, *_):
        item, quantity, _max_price = read.varint(), read.varint(), read.varint()
        return {"purchase": NUMBER, "item": item, "quantity": quantity}
    def with_text(read, message, *_):
        purchase, found, sealed = read_text(read, message.kind)
        opens, scope, texts = sealed or (None, None, [])
        of.need(all(len(text) in of.SEALED for _, text in texts), "malformed_block", "a sealed text of another length")
        shown = {"purchase": purchase, **({"found": "true"} if found else {})}
        return {**shown, "scope_key" if opens else "scope": scope.hex()} if sealed else shown
    def cancel(read, *_):
        purchase, named = read.varint(), read.one_of(False, True)
        lines = [(read.varint(), read.varint()) for _ in range(read.varint())] if named else None
        return {"purchase": purchase, "lines": lines}  # lines are shown behind it
    def one(read, *_): return {"purchase": read.varint()}
    named = ("open_shop", open_shop), ("leave_till", leave_till), ("add_item", add_item), \
        ("stock_in", moved(IN_REASONS)), ("stock_out", moved(OUT_REASONS)), ("publish", publish), \
        ("unpublish", unpublish), ("set_price", set_price), ("load_stock", load_stock), ("purchase", buy), \
        ("confirm_shipment", with_text), ("cancel", cancel), ("ship", with_text), ("confirm_receipt", one), \
        ("report_missing", one), ("refund_missing", one), ("release", one)
    return {(1, kind): known for kind, known in enumerate(named, 48)}
def read_text(read, kind):
    """The purchase of a command that may have a sealed text, and whether the parcel was found. Then nothing, or whether the
    text opens its scope, the commitment to the scope's key or else the scope, and the text."""
    purchase, found = read.varint(), kind == 60 and read.one_of(False, True)
    if not read.one_of(False, True):
        return purchase, found, None
    opens = read.one_of(True, False)
    return purchase, found, (opens, read.take(32 if opens else 16), [(read.take(32), read.bytes())])

class Purchase:
    """What of a purchase was not sent, by item the units and the price of one; and the minor units that are held for it."""
    def __init__(self, customer, settings, unsent):
        self.customer, self.settings, self.unsent = customer, settings, unsent
        self.held = sum(n * price for n, price in unsent.values())
    def left(self): return sum(n for n, _ in self.unsent.values())
    def cancel(self, of, units):
        """Takes units out that were not sent; what they had cost."""
        held = self.held
        for item, n in units:
            of.need(n <= self.unsent.get(item, (-1, 0))[0], "malformed_block", "units that the purchase does not have")
            left, price = self.unsent[item]
            self.unsent[item], self.held = (left - n, price), self.held - n * price
        return held - self.held
    def end(self):
        """Takes out all that is held; how much that was."""
        held, self.held, self.unsent = self.held, 0, {}
        return held
def finish(of, block, kind, read, event, members, number, items, scale):
    """Reads what is left of command and event, and checks the numbers that follow from the blocks before. What was done."""
    right = True
    if kind == 48:
        members.settings.append({**(members.settings or [AT_FIRST])[-1], **items[0]})
        if not members.till or members.till[0] != items[0]["till"]:
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
    elif kind == 57:
        settings, prices = event.varint(), [event.varint() for _ in range(event.varint())]
        unsent = {item["item"]: (item["quantity"], minor) for item, minor in zip(items, prices)}
        right = number == len(members.purchases) + 1 and settings == len(members.settings) - 1
        right = right and len(unsent) == len(items) == len(prices)
        members.purchases[number] = Purchase(block.author, settings, unsent)
        items = [{**item, **price(of, minor, scale)} for item, minor in zip(items, prices)]
    elif kind > 57:
        right, items = proceed(of, block, kind, event, members, number, items, scale)
    of.need(right, "malformed_block", "another number in the event")
    return [{name: number if value is NUMBER else value for name, value in item.items()} for item in items]
def proceed(of, block, kind, event, members, number, items, scale):
    """What becomes of purchases: whether the event is the one that follows, and what was done."""
    bought = [members.purchases.get(item["purchase"]) for item in items]
    of.need(all(bought), "malformed_block", "there is no such purchase")
    first, purchase = items[0], bought[0]
    if kind == 64:
        customer = event.varint() if event.one_of(False, True) else None
        amounts = [event.varint() for _ in range(event.varint())]
        right = amounts == [purchase.end() for purchase in bought] and members.till and members.till[0] == number
        right = right and customer == (purchase.customer if len(bought) == 1 else None)
        shown = zip(items, amounts)
        return right, [{**item, **of.money(amount, scale), "till": number} for item, amount in shown]
    right = purchase.customer == (number if kind in (59, 60, 63) else block.author)
    if kind == 59:
        refund, left, lines = event.varint(), event.varint(), first.pop("lines")
        units = [(item, n) for item, (n, _) in purchase.unsent.items()] if lines is None else lines
        right = right and refund == purchase.cancel(of, units) and left == purchase.left()
        of_units = {**first, "operation_type": "cancel_units"}
        return right, [{**first, "left": left, **price(of, refund, scale, "refund")},
                       *({**of_units, "item": item, "quantity": n} for item, n in lines or ())]
    if kind == 63:
        refund = event.varint()
        return right and refund == purchase.end(), [{**first, **price(of, refund, scale, "refund")}]
    (name, setting), by = DUE[kind], event.varint() if kind == 60 else number
    days = members.settings[purchase.settings][setting]
    if kind == 60 and "found" not in first:
        purchase.unsent = {}
    return right and by == min(block.timestamp + days * DAY, 2**64 - 1), [{**first, name: of.moment(by)}]
def erase(of, event, members, item, scale):
    """Cancels what an erased account had bought and was not sent, and holds the list in the event against it. What is shown of it."""
    account = item["account"]
    said = [(event.varint(), event.varint()) for _ in range(event.varint())]
    unsent = [(number, bought.end()) for number, bought in members.purchases.items()
              if bought.customer == account and bought.left()]
    of.need(said == unsent, "malformed_block", "other purchases are cancelled than those that were not sent")
    shown = {"user_id": item["user_id"], "operation_type": "cancel"}
    return [{**shown, "purchase": number, "left": 0, **price(of, refund, scale, "refund")} for number, refund in said]
