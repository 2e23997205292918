//! Blocks of the shop: it is opened, with the consent of its till, and its stock is kept.

use ledgerd::crypto::SigningKey;
use ledgerd::domain::accounts::{self, GrantRole, Role};
use ledgerd::domain::shop::{
    self, AddItem, Consent, ItemId, LeaveTill, LoadStock, LoadedItem, OpenShop, Publish, SetPrice, StockIn,
    StockOut, Unpublish, consent_bytes,
};
use ledgerd::domain::{AccountId, Command};

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

    /// Appends a block of every kind of the shop: the operator opens it, is an agent as well, and keeps the stock; in the end
    /// the till leaves.
    pub(crate) fn push_every_kind_of_the_shop(&mut self, operator: Signer<'_>, till: Signer<'_>) {
        let grant = GrantRole { account: operator.1, role: Role::Agent };
        let draft =
            self.draft_by(operator.0, operator.1, &Command::Accounts(accounts::Command::GrantRole(grant)));
        self.push(&draft);
        let draft = self.opening(operator, till, &[(6, 500), (0, 3)], |_| {});
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
        let draft = self.shopped(till, shop::Command::LeaveTill(LeaveTill {}));
        self.push(&draft);
    }
}
