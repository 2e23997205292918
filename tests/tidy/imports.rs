//! Who imports from whom: the paths of every file of `src/`, each followed to the file in which the thing that it
//! names stands, and the circles in what comes of that.
//!
//! A path often ends at a parent that only passes a name on (`pub use child::Name`). It is followed through such
//! names to the child, or two children that need each other would look as if they needed only their parent.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::{Named, named_in};
use super::source::File;

/// Names that are passed on further than this are a mistake in the analysis.
const HOPS_MAX: u32 = 16;

/// The modules of `src/` and what each of them names.
#[derive(Default)]
pub(super) struct House {
    /// Module → the paths that it names. The crate itself is the empty path.
    modules: BTreeMap<String, Vec<Named>>,
}

/// One module that names something in another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    pub(super) from: String,
    pub(super) to: String,
}

/// Siblings that import each other in a circle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circle {
    /// The module whose children they are.
    pub(super) parent: String,
    /// Their names, in order.
    pub(super) children: Vec<String>,
    /// The imports that close it.
    pub(super) imports: Vec<Import>,
}

impl House {
    /// Reads the files that belong to `src/` and are not compiled for tests only.
    pub(super) fn of(files: &[File]) -> House {
        let mut house = House::default();
        for file in files.iter().filter(|file| !file.is_test) {
            if let Some(module) = file.module() {
                house.modules.insert(module.to_owned(), named_in(&file.code_text()));
            }
        }
        house
    }

    /// The path from the crate's root on that a module names: `domain`, `orders`, `Order` for
    /// `super::orders::Order` in a file of `domain/payments/`. Nothing, where it leads into another crate.
    fn absolute(&self, module: &str, segments: &[String]) -> Option<Vec<String>> {
        let mut start: Vec<String> =
            module.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let mut rest = segments;
        match rest.first()?.as_str() {
            "crate" => {
                start.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    start.pop()?;
                    rest = &rest[1..];
                }
            }
            // A name without a beginning is a child or something that was named before, or another crate's.
            first if self.modules.contains_key(&join(&start, first)) => {}
            first => {
                self.passed_on(module, first)?;
            }
        }
        start.extend(rest.iter().cloned());
        Some(start)
    }

    /// What a module means by a name that it took from elsewhere.
    fn passed_on(&self, module: &str, name: &str) -> Option<&[String]> {
        let named = self.modules.get(module)?.iter().find(|named| named.alias.as_deref() == Some(name))?;
        // `use self::name` and `use name` say nothing about where it comes from, and `use name::name` begins in a child
        // or in another crate.
        let says_nothing = named.segments[0] == name || named.segments == ["self", name];
        (!says_nothing).then_some(&named.segments)
    }

    /// The module in which the thing stands that a path names.
    fn target(&self, module: &str, segments: &[String], hops: u32) -> Option<String> {
        assert!(hops < HOPS_MAX, "{module}: {} leads nowhere", segments.join("::"));
        let path = self.absolute(module, segments)?;
        let mut place = String::new();
        for (number, segment) in path.iter().enumerate() {
            let child = join_text(&place, segment);
            if self.modules.contains_key(&child) {
                place = child;
                continue;
            }
            if let Some(further) = self.passed_on(&place, segment)
                && !(place == module && further == segments)
            {
                let further = [further, &path[number + 1..]].concat();
                // A name of another crate's stands where it is passed on.
                return self.target(&place, &further, hops + 1).or(Some(place));
            }
            break;
        }
        Some(place)
    }

    /// The rooms that each module names, with the module: by the path as it is written, so that a room that only
    /// passes a name on counts as well.
    pub(super) fn rooms_named(&self) -> BTreeSet<(String, String)> {
        let mut rooms = BTreeSet::new();
        for (module, paths) in self.modules.iter().filter(|(module, _)| !module.is_empty()) {
            let paths = paths.iter().filter_map(|named| self.absolute(module, &named.segments));
            for room in paths.filter_map(|path| path.first().cloned()) {
                if self.modules.contains_key(&room) {
                    rooms.insert((module.clone(), room));
                }
            }
        }
        rooms
    }

    /// Every import between two modules, neither of which contains the other.
    pub(super) fn imports(&self) -> BTreeSet<Import> {
        let mut imports = BTreeSet::new();
        for (module, paths) in self.modules.iter().filter(|(module, _)| !module.is_empty()) {
            for to in paths.iter().filter_map(|named| self.target(module, &named.segments, 0)) {
                if !contains(module, &to) && !contains(&to, module) {
                    imports.insert(Import { from: module.clone(), to });
                }
            }
        }
        imports
    }

    /// The circles of siblings, files and folders alike: what a folder's files import, the folder imports.
    pub(super) fn circles(&self) -> Vec<Circle> {
        // Parent → child → the siblings it imports from, each with the imports that say so.
        let mut families: BTreeMap<String, BTreeMap<(String, String), Vec<Import>>> = BTreeMap::new();
        for import in self.imports() {
            let (from, to) = (import.from.split('/'), import.to.split('/'));
            let shared = from.zip(to).take_while(|(one, other)| one == other).count();
            let child = |path: &str| path.split('/').nth(shared).unwrap_or_default().to_owned();
            let parent: Vec<&str> = import.from.split('/').take(shared).collect();
            let pair = (child(&import.from), child(&import.to));
            families.entry(parent.join("/")).or_default().entry(pair).or_default().push(import);
        }
        let mut circles = Vec::new();
        for (parent, pairs) in families {
            for children in circles_of(&pairs.keys().cloned().collect()) {
                let inside = |(from, to): &(String, String)| children.contains(from) && children.contains(to);
                let imports = pairs.iter().filter(|(pair, _)| inside(pair));
                let imports = imports.flat_map(|(_, imports)| imports.iter().cloned()).collect();
                let children = children.into_iter().collect();
                circles.push(Circle { parent: parent.clone(), children, imports });
            }
        }
        circles
    }
}

/// Groups whose members all reach each other, of two and more.
fn circles_of(pairs: &BTreeSet<(String, String)>) -> Vec<BTreeSet<String>> {
    let names: BTreeSet<&String> = pairs.iter().flat_map(|(from, to)| [from, to]).collect();
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        names.iter().map(|name| (*name, reached_from(name, pairs))).collect();
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for name in &names {
        if circles.iter().any(|circle| circle.contains(*name)) {
            continue;
        }
        let mutual =
            names.iter().filter(|other| reached[*name].contains(**other) && reached[**other].contains(*name));
        let circle: BTreeSet<String> = mutual.map(|name| (*name).clone()).collect();
        if circle.len() > 1 {
            circles.push(circle);
        }
    }
    circles
}

fn reached_from<'a>(name: &'a String, pairs: &'a BTreeSet<(String, String)>) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut left = vec![name];
    while let Some(name) = left.pop() {
        for (_, to) in pairs.iter().filter(|(from, _)| from == name) {
            if reached.insert(to) {
                left.push(to);
            }
        }
    }
    reached
}

/// Whether `inner` is `outer` or stands somewhere in it.
fn contains(outer: &str, inner: &str) -> bool {
    outer.is_empty() || outer == inner || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

fn join(folder: &[String], name: &str) -> String {
    join_text(&folder.join("/"), name)
}

fn join_text(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A house of made-up files.
fn planted(files: &[(&str, &str)]) -> House {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
        is_test: false,
    };
    House::of(&files.iter().map(file).collect::<Vec<_>>())
}

#[test]
fn a_planted_circle_of_two_files_is_found() {
    let house = planted(&[
        ("src/lib.rs", "pub mod a;"),
        ("src/a/mod.rs", "mod x;\nmod y;\nmod z;"),
        ("src/a/x.rs", "use super::y::Y;"),
        ("src/a/y.rs", "fn f() { super::x::g() }"),
        ("src/a/z.rs", "use super::{x, y};"),
    ]);
    let [circle] = &house.circles()[..] else { panic!("{:?}", house.circles()) };
    assert_eq!((circle.parent.as_str(), circle.children.join(" ").as_str()), ("a", "x y"));
    assert_eq!(circle.imports.len(), 2);
}

#[test]
fn a_circle_through_the_names_that_a_parent_passes_on_is_found() {
    let house = planted(&[
        ("src/lib.rs", "pub mod a;\npub mod b;"),
        ("src/a/mod.rs", "mod x;\nmod y;\npub use x::X;\npub(crate) use y::inner::Y as Why;"),
        ("src/a/x.rs", "use super::{Why};"),
        ("src/a/y/mod.rs", "pub mod inner;"),
        ("src/a/y/inner.rs", "use crate::a::X;\nuse crate::a;"),
        ("src/b.rs", "use crate::a::X;"),
    ]);
    let [circle] = &house.circles()[..] else { panic!("{:?}", house.circles()) };
    assert_eq!((circle.parent.as_str(), circle.children.join(" ").as_str()), ("a", "x y"));
    assert_eq!(circle.imports[0], Import { from: "a/x".to_owned(), to: "a/y/inner".to_owned() });
}

#[test]
fn a_circle_of_folders_is_found_where_no_two_files_make_one() {
    let house = planted(&[
        ("src/a/mod.rs", ""),
        ("src/a/one/mod.rs", ""),
        ("src/a/one/first.rs", "use crate::a::two::second;"),
        ("src/a/one/last.rs", ""),
        ("src/a/two/mod.rs", ""),
        ("src/a/two/second.rs", ""),
        ("src/a/two/third.rs", "use super::super::one::last::Last;"),
    ]);
    let circles = house.circles();
    assert_eq!(circles.len(), 1, "{circles:?}");
    assert_eq!(circles[0].children, ["one", "two"]);
}

#[test]
fn a_parent_and_its_children_may_import_each_other_and_other_crates_are_nobodys_siblings() {
    let house = planted(&[
        ("src/a/mod.rs", "mod x;\nuse x::X;\nuse std::fmt;\nuse serde::de;\npub struct A;"),
        (
            "src/a/x.rs",
            "use super::A;\nuse super::fmt;\nuse serde::Serialize;\nuse std::{fmt::Write as _, io};",
        ),
    ]);
    assert_eq!(house.circles(), []);
    assert_eq!(house.imports(), BTreeSet::new());
}

#[test]
fn the_rooms_that_a_file_names_are_those_that_it_writes() {
    let house = planted(&[
        ("src/lib.rs", "pub mod a;\npub mod b;\npub mod c;"),
        ("src/a.rs", ""),
        ("src/b.rs", "pub use crate::a::A;"),
        ("src/c/mod.rs", "use super::b::A;"),
        ("src/c/d.rs", "fn f(_: crate::a::A) {}"),
    ]);
    let rooms: Vec<String> =
        house.rooms_named().into_iter().map(|(from, to)| format!("{from} {to}")).collect();
    assert_eq!(rooms, ["b a", "c b", "c/d a"]);
}
