//! Blocks of the shop: it is opened, with the consent of its till, and its stock is kept.

use ledgerd::crypto::SigningKey;
use ledgerd::crypto::sealed::Sealed;
use ledgerd::domain::accounts::{self, GrantRole, Role};
use ledgerd::domain::shop::purchases::{
    self, Buy, Cancel, ConfirmReceipt, ConfirmShipment, ItemUnits, PurchaseId, RefundMissing, Release,
    ReportMissing, Ship, Wanted,
};
use ledgerd::domain::shop::{
    self, AddItem, Consent, ItemId, LeaveTill, LoadStock, LoadedItem, OpenShop, Publish, SetPrice, StockIn,
    StockOut, Unpublish, consent_bytes,
};
use ledgerd::domain::{AccountId, Command, ScopeKind, ScopeUse, SealedText};

use super::{Draft, Forge};

/// A member, and the key that the member signs with.
pub(crate) type Signer<'a> = (&'a SigningKey, AccountId);

impl Forge {
    /// A block in which an operator opens the shop with the till of another, who has consented to this very command. `change`
    /// may spoil the consent.
    pub(crate) fn opening(
        &mut self,
        (by, operator): Signer<'_>,
        (till_key, till): Signer<'_>,
        settings: &[(u8, u64)],
        change: impl FnOnce(&mut Consent),
    ) -> Draft {
        let header = self.header(by, operator, shop::OPEN_SHOP);
        let key_id = till_key.public().key_id();
        let signed = consent_bytes(self.ledger_id, till, &key_id, operator, header.command_id);
        let signature = till_key.sign(&mut self.rng, &[&signed]).to_vec();
        let mut consent = Consent { key_id, signature };
        change(&mut consent);
        let open = OpenShop { till, consent: Some(consent), settings: settings.to_vec() };
        let (_, body) = Command::Shop(shop::Command::OpenShop(open)).encode();
        self.draft_message_by(by, &header, &body)
    }

    /// A block of any command of the shop.
    pub(crate) fn shopped(&mut self, (by, author): Signer<'_>, command: shop::Command) -> Draft {
        self.draft_by(by, author, &Command::Shop(command))
    }

    /// A block of any command about purchases.
    pub(crate) fn dealt(&mut self, by: Signer<'_>, command: purchases::Command) -> Draft {
        self.shopped(by, shop::Command::Purchases(command))
    }

    /// Appends blocks of every kind about purchases: a customer buys three times; the first purchase is cancelled, the second goes all
    /// the way, the third gets lost, is found, and gets lost again.
    pub(crate) fn push_every_kind_of_purchases(&mut self, agent: Signer<'_>, customer: Signer<'_>) {
        use purchases::Command as Dealt;
        let [first, second, third] = [1, 2, 3].map(PurchaseId);
        let wanted = |item, n| Wanted { item: ItemId(item), n, max_price: 250 };
        for lines in [vec![wanted(2, 1), wanted(1, 2)], vec![wanted(1, 1)], vec![wanted(1, 1)]] {
            let draft = self.dealt(customer, Dealt::Buy(Buy { lines }));
            self.push(&draft);
        }
        let text = Sealed { commit: [6; 32], text: vec![7; 48] };
        let opens = SealedText { scope: ScopeUse::Open([5; 32]), text: text.clone() };
        let units = Some(vec![ItemUnits { item: ItemId(1), n: 1 }]);
        let confirmed = |purchase, address| Dealt::ConfirmShipment(ConfirmShipment { purchase, address });
        let sent = |purchase, found, tracking| Dealt::Ship(Ship { purchase, found, tracking });
        let steps = [
            (agent, Dealt::Cancel(Cancel { purchase: first, lines: units })),
            (customer, Dealt::Cancel(Cancel { purchase: first, lines: None })),
            (customer, confirmed(second, Some(opens))),
            (customer, confirmed(third, None)),
        ];
        for (by, command) in steps {
            let draft = self.dealt(by, command);
            self.push(&draft);
        }
        let scope = self.state().scopes.newest(ScopeKind::Purchase, second.0).unwrap();
        let tracking = SealedText { scope: ScopeUse::In(scope), text };
        for command in [sent(second, false, Some(tracking)), sent(third, false, None)] {
            let draft = self.dealt(agent, command);
            self.push(&draft);
        }
        let draft = self.dealt(customer, Dealt::ConfirmReceipt(ConfirmReceipt { purchase: second }));
        self.push(&draft);
        let draft = self.dealt(agent, Dealt::Release(Release { purchases: vec![second] }));
        self.push(&draft);
        for (by, command) in [
            (customer, Dealt::ReportMissing(ReportMissing { purchase: third })),
            (agent, sent(third, true, None)),
            (customer, Dealt::ReportMissing(ReportMissing { purchase: third })),
            (agent, Dealt::RefundMissing(RefundMissing { purchase: third })),
        ] {
            self.wait_days(1);
            let draft = self.dealt(by, command);
            self.push(&draft);
        }
    }

    /// Appends a block of every kind of the shop: the operator opens it, is an agent as well, and keeps the stock, the customer
    /// buys; in the end the till leaves.
    pub(crate) fn push_every_kind_of_the_shop(
        &mut self,
        operator: Signer<'_>,
        till: Signer<'_>,
        customer: Signer<'_>,
    ) {
        let grant = GrantRole { account: operator.1, role: Role::Agent };
        let draft =
            self.draft_by(operator.0, operator.1, &Command::Accounts(accounts::Command::GrantRole(grant)));
        self.push(&draft);
        let draft = self.opening(operator, till, &[(6, 500), (0, 3), (3, 0), (1, 1)], |_| {});
        self.push(&draft);
        let item = ItemId(1);
        let line = |name: &str, n, price| LoadedItem { name: name.to_owned(), n, price };
        let items = vec![line("Mewtwo", 1, Some(250)), line("caterpie", 4, None)];
        for command in [
            shop::Command::AddItem(AddItem { name: "Caterpie".to_owned(), price: Some(9) }),
            shop::Command::StockIn(StockIn { item, n: 5, reason: 2 }),
            shop::Command::StockOut(StockOut { item, n: 1, reason: 0 }),
            shop::Command::Publish(Publish { item, n: 3, price: Some(8) }),
            shop::Command::Unpublish(Unpublish { item, n: Some(1) }),
            shop::Command::Unpublish(Unpublish { item, n: None }),
            shop::Command::SetPrice(SetPrice { item, price: 10 }),
            shop::Command::LoadStock(LoadStock { items, publish: true }),
        ] {
            let draft = self.shopped(operator, command);
            self.push(&draft);
        }
        self.push_every_kind_of_purchases(operator, customer);
        let draft = self.shopped(till, shop::Command::LeaveTill(LeaveTill {}));
        self.push(&draft);
    }
}
