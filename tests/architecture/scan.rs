//! Reads Rust sources as tokens and says what their production code names.
//!
//! Comments and literals are no tokens of interest, items under `#[cfg(test)]` are left out, and
//! every path is written out in full: `use` trees, aliases, `self`, `super` and child modules are
//! followed. What a macro of another crate expands to is not seen.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A path as the compiler reads it: `["crate", "host", "files"]`; a glob ends in `*`.
pub(crate) type Path = Vec<String>;

/// What one file holds outside its tests.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Every path of two segments or more, with its line.
    pub(crate) names: Vec<(usize, Path)>,
    /// The last word of every macro that is called, with its line.
    pub(crate) macros: Vec<(usize, String)>,
    /// The lines of the items under `#[cfg(test)]`.
    pub(crate) tests: Vec<RangeInclusive<usize>>,
    /// Modules declared under `#[cfg(test)]` whose text is in another file.
    pub(crate) test_modules: Vec<Path>,
    /// What the names that the file imports or declares as modules stand for, at its outermost level.
    pub(crate) aliases: BTreeMap<String, Path>,
    /// The items at its outermost level.
    pub(crate) items: Vec<Item>,
}

/// One item of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Where it begins.
    pub(crate) line: usize,
    /// The keyword: `struct`, `fn`, `use`; `inline mod` for a module with a body, a macro's name for a call.
    pub(crate) kind: String,
    /// Its name; empty where it has none.
    pub(crate) name: String,
    /// Whether it is `pub` without a limit.
    pub(crate) public: bool,
}

/// The module of a file: `src/a/mod.rs` and `src/a.rs` are `["crate", "a"]`, `src/main.rs` is
/// `["crate", "main"]`.
pub(crate) fn module_of(file: &str) -> Path {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let parts = inside.split('/').filter(|part| *part != "lib");
    std::iter::once("crate").chain(parts).map(str::to_owned).collect()
}

/// Reads the text of the module `module`.
pub(crate) fn scan(module: &[String], text: &str) -> Result<Scan, String> {
    let tokens: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
    let mut scan = Scan::default();
    if is_test_file(&tokens) {
        scan.tests.push(1..=text.lines().count());
        return Ok(scan);
    }
    scan.walk(tokens.clone(), module, &BTreeMap::new());
    let production = Scan::default().without_tests(tokens, module);
    scan.aliases = Scope::of(&production, module, &BTreeMap::new()).aliases;
    scan.items = items(&production);
    Ok(scan)
}

/// What a scope's names stand for.
type Aliases = BTreeMap<String, Path>;

impl Scan {
    fn walk(&mut self, tokens: TokenStream, module: &[String], outer: &Aliases) {
        let tokens = self.without_tests(tokens, module);
        let scope = Scope::of(&tokens, module, outer);
        self.names.extend(scope.named);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some(end) = use_item(&tokens, at) {
                at = end + 1;
                continue;
            }
            if let Some((name, body)) = inline_module(&tokens, at) {
                let inner: Path = module.iter().cloned().chain([name]).collect();
                self.walk(body, &inner, &BTreeMap::new());
                at += 3;
                continue;
            }
            match token {
                TokenTree::Group(group) => {
                    self.walk(group.stream(), module, &scope.aliases);
                    at += 1;
                }
                TokenTree::Ident(_) => {
                    let (path, end) = path_at(&tokens, at);
                    let line = line_of(token);
                    if is_call(&tokens, end) {
                        self.macros.extend(path.last().map(|name| (line, name.clone())));
                    }
                    if path.len() > 1 {
                        self.names.push((line, resolve(&path, module, &scope.aliases)));
                    }
                    at = end;
                }
                _ => at += 1,
            }
        }
    }

    /// The tokens without the items under `#[cfg(test)]`, whose lines are noted.
    fn without_tests(&mut self, tokens: TokenStream, module: &[String]) -> Vec<TokenTree> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut kept = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if !is_test_attribute(&tokens, at) {
                kept.push(tokens[at].clone());
                at += 1;
                continue;
            }
            let end = item_end(&tokens, at + 2);
            self.tests
                .push(line_of(&tokens[at])..=tokens[end].span().end().line);
            if let Some(name) = declared_module(&tokens[at..=end]) {
                self.test_modules
                    .push(module.iter().cloned().chain([name]).collect());
            }
            at = end + 1;
        }
        kept
    }
}

struct Scope {
    aliases: Aliases,
    named: Vec<(usize, Path)>,
}

impl Scope {
    /// The `use` items and child modules of one level of a file.
    fn of(tokens: &[TokenTree], module: &[String], outer: &Aliases) -> Self {
        let mut leaves = Vec::new();
        let mut aliases = outer.clone();
        for at in 0..tokens.len() {
            if let Some(end) = use_item(tokens, at) {
                use_tree(&tokens[at + 1..end], &[], &mut leaves);
            } else if is_ident(tokens.get(at), "mod")
                && let Some(TokenTree::Ident(name)) = tokens.get(at + 1)
            {
                let path = module.iter().cloned().chain([name.to_string()]).collect();
                aliases.insert(name.to_string(), path);
            }
        }
        // An import may start with a name that another import brings: repeated until nothing moves.
        for _ in 0..8 {
            let before = aliases.clone();
            for leaf in &leaves {
                let full = resolve_import(leaf, module, &before);
                aliases.insert(leaf.name.clone(), full);
            }
            if aliases == before {
                break;
            }
        }
        let named = leaves
            .iter()
            .map(|leaf| (leaf.line, resolve_import(leaf, module, &aliases)))
            .collect();
        Self { aliases, named }
    }
}

struct Leaf {
    line: usize,
    path: Path,
    name: String,
}

fn resolve_import(leaf: &Leaf, module: &[String], aliases: &Aliases) -> Path {
    // `use clap;` and `use std::fs as std;` do not explain their own first word.
    let mut others = aliases.clone();
    if leaf.path.first() == Some(&leaf.name) {
        others.remove(&leaf.name);
    }
    resolve(&leaf.path, module, &others)
}

/// The leaves of the tree between `use` and `;`.
fn use_tree(tokens: &[TokenTree], prefix: &[String], leaves: &mut Vec<Leaf>) {
    for branch in tokens.split(|token| is_punct(Some(token), ',')) {
        let mut path = prefix.to_vec();
        let mut alias = None;
        let mut nested = None;
        let mut words = branch.iter();
        while let Some(token) = words.next() {
            match token {
                TokenTree::Ident(word) if *word == "as" => alias = words.next().map(ToString::to_string),
                TokenTree::Ident(word) if *word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(plain(&word.to_string())),
                TokenTree::Punct(mark) if mark.as_char() == '*' => path.push("*".to_owned()),
                TokenTree::Group(group) => nested = Some(group.stream()),
                _ => {}
            }
        }
        if let Some(stream) = nested {
            let inner: Vec<TokenTree> = stream.into_iter().collect();
            use_tree(&inner, &path, leaves);
        } else if let (Some(first), Some(last)) = (branch.first(), path.last().cloned()) {
            leaves.push(Leaf {
                line: line_of(first),
                name: alias.unwrap_or(last),
                path,
            });
        }
    }
}

/// A path in full; a word that nothing explains is another crate's or the prelude's.
fn resolve(path: &[String], module: &[String], aliases: &Aliases) -> Path {
    let (first, rest) = match path {
        [] => return Path::new(),
        [first, rest @ ..] => (first.as_str(), rest),
    };
    let start: Path = match first {
        "crate" | "greenroom" => vec!["crate".to_owned()],
        "self" => module.to_vec(),
        "super" => {
            let supers = path.iter().take_while(|word| *word == "super").count();
            let depth = module.len().saturating_sub(supers).max(1);
            let above = module[..depth].iter().cloned();
            return above.chain(path[supers..].iter().cloned()).collect();
        }
        _ => aliases
            .get(first)
            .cloned()
            .unwrap_or_else(|| vec![first.to_owned()]),
    };
    start.into_iter().chain(rest.iter().cloned()).collect()
}

/// The words joined by `::` from `at` on, and the place after them.
fn path_at(tokens: &[TokenTree], at: usize) -> (Path, usize) {
    let mut path = Path::new();
    let mut next = at;
    while let Some(TokenTree::Ident(word)) = tokens.get(next) {
        path.push(plain(&word.to_string()));
        next += 1;
        let joined = matches!(tokens.get(next), Some(TokenTree::Punct(mark)) if mark.as_char() == ':' && mark.spacing() == Spacing::Joint)
            && is_punct(tokens.get(next + 1), ':');
        if !joined || !matches!(tokens.get(next + 2), Some(TokenTree::Ident(_))) {
            break;
        }
        next += 2;
    }
    (path, next)
}

/// Where the `use` item that starts at `at` ends; `use<'a>` in a type is none.
fn use_item(tokens: &[TokenTree], at: usize) -> Option<usize> {
    let starts = is_ident(tokens.get(at), "use") && !is_punct(tokens.get(at + 1), '<');
    let length = tokens
        .get(at..)?
        .iter()
        .position(|token| is_punct(Some(token), ';'))?;
    starts.then_some(at + length)
}

fn inline_module(tokens: &[TokenTree], at: usize) -> Option<(String, TokenStream)> {
    match tokens.get(at..at + 3)? {
        [
            TokenTree::Ident(word),
            TokenTree::Ident(name),
            TokenTree::Group(body),
        ] if *word == "mod" && body.delimiter() == Delimiter::Brace => {
            Some((name.to_string(), body.stream()))
        }
        _ => None,
    }
}

/// The name in `mod name;`.
fn declared_module(item: &[TokenTree]) -> Option<String> {
    item.windows(3).find_map(|words| match words {
        [
            TokenTree::Ident(word),
            TokenTree::Ident(name),
            TokenTree::Punct(mark),
        ] if *word == "mod" && mark.as_char() == ';' => Some(name.to_string()),
        _ => None,
    })
}

/// `#[cfg(test)]`, or `#[cfg(all(test, …))]`.
fn is_test_attribute(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), '#') && tokens.get(at + 1).is_some_and(is_test_condition)
}

fn is_test_condition(token: &TokenTree) -> bool {
    let words: String = token.to_string().split_whitespace().collect();
    words == "[cfg(test)]" || words.starts_with("[cfg(all(test,")
}

/// A file that starts with `#![cfg(test)]`, after its documentation.
fn is_test_file(tokens: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    tokens.windows(3).any(|words| {
        is_punct(words.first(), '#') && is_punct(words.get(1), '!') && is_test_condition(&words[2])
    })
}

/// Where the item, field or statement that starts at `at` (attributes first) ends.
fn item_end(tokens: &[TokenTree], mut at: usize) -> usize {
    while is_punct(tokens.get(at), '#') {
        at += 2;
    }
    let words: Vec<String> = tokens[at.min(tokens.len())..]
        .iter()
        .filter_map(|token| match token {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        })
        .filter(|word| word != "pub")
        .take(2)
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (semicolon, comma) = match words.as_slice() {
        ["const", "fn"] => (false, false),
        ["use" | "const" | "static" | "type" | "let", ..] => (true, false),
        [
            "fn" | "mod" | "struct" | "enum" | "trait" | "impl" | "async" | "unsafe" | "macro_rules",
            ..,
        ] => (false, false),
        _ => (false, true),
    };
    let length = tokens[at.min(tokens.len())..]
        .iter()
        .position(|token| match token {
            TokenTree::Punct(mark) => mark.as_char() == ';' || (comma && mark.as_char() == ','),
            TokenTree::Group(group) => !semicolon && group.delimiter() == Delimiter::Brace,
            _ => false,
        });
    length.map_or(tokens.len() - 1, |length| at + length)
}

/// The items of one level, without attributes.
fn items(tokens: &[TokenTree]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_punct(tokens.get(at), '#') {
            // `#[…]` and `#![…]`.
            at += if is_punct(tokens.get(at + 1), '!') { 3 } else { 2 };
            continue;
        }
        let end = item_end(tokens, at);
        items.push(item(&tokens[at..=end]));
        at = end + 1;
        // What follows a body: `;` after `= { … }`, or nothing.
        while is_punct(tokens.get(at), ';') {
            at += 1;
        }
    }
    items
}

/// The item of these tokens.
fn item(tokens: &[TokenTree]) -> Item {
    const MODIFIERS: &[&str] = &["pub", "unsafe", "async", "default"];
    let limited =
        matches!(tokens.get(1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    let words: Vec<String> = tokens
        .iter()
        .filter_map(|token| match token {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        })
        .collect();
    let mut rest = words.iter().skip_while(|word| MODIFIERS.contains(&word.as_str()));
    let mut kind = rest.next().cloned().unwrap_or_default();
    let mut name = rest.next().cloned().unwrap_or_default();
    if kind == "const" && name == "fn" {
        kind = name;
        name = rest.next().cloned().unwrap_or_default();
    }
    let has_body =
        matches!(tokens.last(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace);
    Item {
        line: line_of(&tokens[0]),
        kind: if kind == "mod" && has_body {
            "inline mod".to_owned()
        } else {
            kind
        },
        name,
        public: words.first().is_some_and(|word| word == "pub") && !limited,
    }
}

/// `!` and a group: what stands before is a macro.
fn is_call(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), '!') && matches!(tokens.get(at + 1), Some(TokenTree::Group(_)))
}

fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

fn is_ident(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if *ident == word)
}

fn line_of(token: &TokenTree) -> usize {
    token.span().start().line
}

/// A raw identifier is the identifier.
fn plain(word: &str) -> String {
    word.strip_prefix("r#").unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let module = module_of("src/report/markdown/fit.rs");
        let scan = scan(&module, text).unwrap();
        scan.names
            .iter()
            .map(|(line, path)| format!("{line} {}", path.join("::")))
            .collect()
    }

    #[test]
    fn the_module_of_a_file_is_where_it_lies() {
        for (file, module) in [
            ("src/lib.rs", "crate"),
            ("src/main.rs", "crate::main"),
            ("src/ports.rs", "crate::ports"),
            ("src/model/mod.rs", "crate::model"),
            ("src/router/builtin/table.rs", "crate::router::builtin::table"),
        ] {
            assert_eq!(module_of(file).join("::"), module);
        }
    }

    #[test]
    fn paths_are_written_out_in_full() {
        for (text, expected) in [
            ("use crate::host::files;", "1 crate::host::files"),
            ("use ::std::fs;", "1 std::fs"),
            ("use super::super::host;", "1 crate::report::host"),
            ("use super::super::super::host;", "1 crate::host"),
            ("use self::a::B;", "1 crate::report::markdown::fit::a::B"),
            ("use std::*;", "1 std::*"),
            ("use r#crate_name::r#type::X;", "1 crate_name::type::X"),
            (
                "fn f() { crate::host::files::read(1) }",
                "1 crate::host::files::read",
            ),
            ("fn f() -> <A as crate::host::B>::C {}", "1 crate::host::B"),
            ("fn f(x: Vec<std::fs::File>) {}", "1 std::fs::File"),
            ("#[derive(clap::Parser)] struct A;", "1 clap::Parser"),
            (
                "fn f() { format!(\"{}\", std::env::var(\"A\")) }",
                "1 std::env::var",
            ),
            (
                "macro_rules! m { () => { $crate::host::go() } }",
                "1 crate::host::go",
            ),
            (
                "mod child;\nfn f() { child::go() }",
                "2 crate::report::markdown::fit::child::go",
            ),
            (
                "mod inner { use super::super::x; }",
                "1 crate::report::markdown::x",
            ),
        ] {
            assert_eq!(names(text), [expected], "{text}");
        }
    }

    #[test]
    fn trees_and_aliases_are_followed() {
        assert_eq!(
            names("use crate::{\n  model::{A, B as C},\n  host::{self, files::*},\n};"),
            [
                "2 crate::model::A",
                "2 crate::model::B",
                "3 crate::host",
                "3 crate::host::files::*"
            ]
        );
        assert_eq!(
            names("use time::Instant;\nuse std::time;\nfn f() { time::SystemTime::now() }"),
            [
                "1 std::time::Instant",
                "2 std::time",
                "3 std::time::SystemTime::now"
            ]
        );
        assert_eq!(
            names("use std as s;\nfn f() { use s::fs as disk; disk::read(1) }"),
            ["1 std", "2 std::fs", "2 std::fs::read"]
        );
    }

    #[test]
    fn comments_and_literals_name_nothing() {
        let text = r##"
            //! crate::host::files
            /// [`crate::host::files`] /* std::fs */
            fn f() { let _ = ("std::fs", r#"std::env::var"#, b"std::net", 'a', c"std::io"); } // std::fs::read
        "##;
        assert_eq!(names(text), [] as [&str; 0]);
    }

    #[test]
    fn tests_are_left_out_and_what_follows_them_is_not() {
        for item in [
            "#[cfg(test)] use std::fs::{self, File};",
            "#[cfg(test)] mod tests { use std::fs; }",
            "#[cfg(all(test, unix))] mod tests { use std::fs; }",
            "#[cfg(test)] #[derive(Debug)] struct A(std::fs::File);",
            "#[cfg(test)] pub(crate) const fn f<A, B>(x: [u8; 3]) -> u8 { std::fs::read(1) }",
            "#[cfg(test)] const A: B = B { c: std::fs::D };",
            "#[cfg(test)] impl A { fn f() { std::fs::read(1) } }",
        ] {
            assert_eq!(names(&format!("{item}\nuse a::b;")), ["2 a::b"], "{item}");
        }
        assert_eq!(
            names("struct A {\n#[cfg(test)] a: std::fs::File,\nb: std::io::Error }"),
            ["3 std::io::Error"]
        );
        assert_eq!(names("#![cfg(test)]\nuse std::fs;"), [] as [&str; 0]);
        assert_eq!(names("#[cfg(not(test))] use std::fs;"), ["1 std::fs"]);
    }

    #[test]
    fn test_lines_and_test_modules_are_noted() {
        let scan = scan(
            &module_of("src/report/mod.rs"),
            "mod a;\n#[cfg(test)]\nmod fixtures;\n\n#[cfg(test)]\nmod b {\n}\n",
        );
        let scan = scan.unwrap();
        assert_eq!(scan.tests, [2..=3, 5..=7]);
        assert_eq!(scan.test_modules, [["crate", "report", "fixtures"]]);
    }

    #[test]
    fn macros_are_calls_and_not_comparisons() {
        let scan = scan(
            &module_of("src/a.rs"),
            "fn f() { if a != (b) { std::println!(\"{}\", x); dbg![x] } }",
        )
        .unwrap();
        assert_eq!(scan.macros, [(1, "println".to_owned()), (1, "dbg".to_owned())]);
    }
}
