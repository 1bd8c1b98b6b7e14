//! No files name each other in a circle: whoever reads one file can stop at what it names.
//!
//! An arrow leads from a file to the one that defines what it names, whichever module hands the name on; to hand a name on with
//! `pub use` is no arrow. Unit tests at the end of a file don't count.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::{Source, paths, sources};

/// Circles that stay, by one of their files, with the reason.
const ALLOWED: [(&[&str], &str); 1] = [(
    &[
        "src/format/batch.rs",
        "src/format/legacy.rs",
        "src/format/record.rs",
        "src/format/records.rs",
    ],
    "a batch has records, a compressed message has messages, and a record knows the batch that gives it its timestamp type",
)];

#[test]
fn files_name_each_other_in_no_circle() {
    let house = House::of(&sources("src"));
    let mut broken = Vec::new();
    let mut found = BTreeSet::new();
    for circle in house.circles() {
        let files: Vec<&str> = circle.iter().map(String::as_str).collect();
        if ALLOWED.iter().any(|(allowed, _)| *allowed == files) {
            found.insert(circle.clone());
            continue;
        }
        broken.push(format!("a circle of {} files:", circle.len()));
        for from in &circle {
            for (to, names) in house.arrows.get(from).into_iter().flatten() {
                if circle.contains(to) {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    broken.push(format!("  {from} names {} of {to}", names.join(", ")));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert_eq!(found.len(), ALLOWED.len(), "a circle in the list is gone");
}

#[test]
fn circles_are_found() {
    let house = |files: &[(&str, &str)]| {
        let source = |(name, code): &(&str, &str)| Source::of(name, code);
        House::of(&files.iter().map(source).collect::<Vec<_>>()).circles()
    };
    let lib = ("src/lib.rs", "pub mod a;\npub mod b;\n");
    // A name that another module hands on belongs to the file that defines it.
    let handed = ("src/a/mod.rs", "mod inner;\npub use inner::Item;\n");
    let inner = (
        "src/a/inner.rs",
        "use crate::b::Other as Else;\npub struct Item;\n",
    );
    let back = (
        "src/b.rs",
        "fn f() -> crate::a::Item { todo!() }\npub struct Other;\n",
    );
    let circles = house(&[lib, handed, inner, back]);
    assert_eq!(
        circles,
        [BTreeSet::from(
            ["src/a/inner.rs", "src/b.rs"].map(str::to_owned)
        )]
    );
    let straight = ("src/b.rs", "use crate::a;\npub struct Other;\n");
    assert!(house(&[lib, handed, inner, straight]).is_empty());
    // A path may begin with a module that was imported.
    let module = (
        "src/b.rs",
        "use crate::{a::{self}};\npub struct Other(a::Item);\n",
    );
    assert_eq!(house(&[lib, handed, inner, module]).len(), 1);
}

/// Which file names what of which.
struct House {
    /// From a file to those that it names something of, with the names.
    arrows: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// The files by their modules, for looking names up.
struct Modules<'a>(BTreeMap<Vec<&'a str>, Module<'a>>);

struct Module<'a> {
    file: &'a str,
    code: String,
    /// What it imports: a name, the path that it stands for, and whether the name is handed on.
    imports: Vec<(String, Vec<String>, bool)>,
}

impl House {
    fn of(sources: &[Source]) -> Self {
        let modules = Modules::of(sources);
        let mut arrows: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (place, module) in &modules.0 {
            let imported = module.imports.iter().filter(|(_, _, is_handed)| !is_handed);
            let imported = imported.map(|(_, path, _)| path.clone());
            let spelled = paths(&module.code).into_iter();
            let spelled = spelled.map(|(_, path)| path.split("::").map(str::to_owned).collect());
            for path in imported.chain(spelled.filter(|path: &Vec<String>| path.len() > 1)) {
                if let Some((file, name)) = modules.home(place, &path, 0)
                    && file != module.file
                {
                    let to = arrows.entry(module.file.to_owned()).or_default();
                    to.entry(file.to_owned()).or_default().insert(name);
                }
            }
        }
        Self { arrows }
    }

    /// The circles, each with all files that reach each other.
    fn circles(&self) -> Vec<BTreeSet<String>> {
        let reach: BTreeMap<&String, BTreeSet<&String>> = self
            .arrows
            .keys()
            .map(|from| (from, self.reach(from)))
            .collect();
        let mut circles: Vec<BTreeSet<String>> = Vec::new();
        for (from, reached) in &reach {
            if !reached.contains(from) || circles.iter().any(|circle| circle.contains(*from)) {
                continue;
            }
            let is_back = |to: &&&String| reach.get(**to).is_some_and(|back| back.contains(from));
            circles.push(
                reached
                    .iter()
                    .filter(is_back)
                    .map(|to| (*to).clone())
                    .collect(),
            );
        }
        circles
    }

    fn reach<'a>(&'a self, from: &str) -> BTreeSet<&'a String> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(file) = next.pop() {
            for to in self
                .arrows
                .get(file.as_str())
                .into_iter()
                .flat_map(BTreeMap::keys)
            {
                if seen.insert(to) {
                    next.push(to.clone());
                }
            }
        }
        seen
    }
}

impl<'a> Modules<'a> {
    fn of(sources: &'a [Source]) -> Self {
        let module = |source: &'a Source| {
            let name = source.name.strip_prefix("src/")?.strip_suffix(".rs")?;
            let mut place: Vec<&str> = name.split('/').collect();
            // The binary is a crate of its own.
            let root = if matches!(place.first(), Some(&"cli" | &"main")) {
                "bin"
            } else {
                "kseg"
            };
            if matches!(place.last(), Some(&"mod" | &"lib" | &"main")) {
                place.pop();
            }
            place.insert(0, root);
            let (code, imports) = imports(&source.code);
            Some((
                place,
                Module {
                    file: &source.name,
                    code,
                    imports,
                },
            ))
        };
        Self(sources.iter().filter_map(module).collect())
    }

    /// The file that defines what `path` names, seen from the module at `place`, and what that is; `None` of modules and of
    /// other crates.
    fn home(&self, place: &[&'a str], path: &[String], depth: usize) -> Option<(&'a str, String)> {
        let (first, mut rest) = path.split_first()?;
        let mut at: Vec<&str> = match first.as_str() {
            "crate" => place.get(..1)?.to_vec(),
            "kseg" => vec!["kseg"],
            "self" => place.to_vec(),
            "super" => place.split_last()?.1.to_vec(),
            _ => {
                rest = path;
                place.to_vec()
            }
        };
        let is_relative = rest.len() == path.len();
        loop {
            let (name, after) = rest.split_first()?;
            if name == "super" {
                at.pop();
                rest = after;
                continue;
            }
            let inner = |(place, _): &(&Vec<&'a str>, _)| {
                place
                    .split_last()
                    .is_some_and(|(last, above)| *last == name && above == at)
            };
            if let Some((place, _)) = self.0.iter().find(inner) {
                at.clone_from(place);
                rest = after;
                continue;
            }
            let module = self.0.get(&at)?;
            let import = module.imports.iter().find(|(known, ..)| known == name);
            return match import {
                // An import of this name from here would go round for ever.
                Some((_, whole, _)) if depth < 8 && whole != path => {
                    let whole: Vec<String> = whole.iter().chain(after).cloned().collect();
                    self.home(&at, &whole, depth + 1)
                }
                Some(_) => None,
                None if is_relative && at == place => None,
                None => Some((module.file, name.clone())),
            };
        }
    }
}

/// What the code imports, and the code without it.
fn imports(code: &str) -> (String, Vec<(String, Vec<String>, bool)>) {
    let (mut rest, mut found) = (String::new(), Vec::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        let (before, statement) = match bare.split_once("use ") {
            Some((before, after)) if before.is_empty() || before.starts_with("pub") => {
                (before, after)
            }
            _ => {
                rest += line;
                rest.push('\n');
                continue;
            }
        };
        let mut statement = statement.to_owned();
        while !statement.contains(';') {
            let Some(more) = lines.next() else { break };
            statement += more.trim();
        }
        let tree = statement.split(';').next().unwrap_or_default();
        for (name, path) in leaves(tree) {
            found.push((name, path, !before.is_empty()));
        }
    }
    (rest, found)
}

/// The names that the tree of a `use` brings in, with their paths.
fn leaves(tree: &str) -> Vec<(String, Vec<String>)> {
    let tree = tree.trim();
    let Some((prefix, inner)) = tree.split_once('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path: Vec<String> = path.trim().split("::").map(str::to_owned).collect();
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let name = if name.is_empty() {
            path.last().cloned().unwrap_or_default()
        } else {
            name.trim().to_owned()
        };
        return vec![(name, path)];
    };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    let whole = |part: &String| leaves(&format!("{prefix}{}", part.trim()));
    parts.iter().flat_map(whole).collect()
}
