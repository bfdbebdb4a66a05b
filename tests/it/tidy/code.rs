//! A Rust file as tokens: which paths its product code names, what it imports, defines and declares. Comments are no tokens, texts
//! are literals, and what stands under `#[cfg(test)]` or a `testing` feature is left out.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A path as it is written, such as `super::Batch` or `tokio::spawn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The inline modules around it.
    pub(super) within: Vec<String>,
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// One leaf of a `use` declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) within: Vec<String>,
    pub(super) path: Vec<String>,
    /// The name under which it is known here; `*` for all that the path has.
    pub(super) alias: String,
    /// `pub use`, in any form.
    pub(super) is_reexport: bool,
    pub(super) line: usize,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// As written: empty, `pub`, `pub(crate)`, ...
    pub(super) visibility: String,
    pub(super) line: usize,
    /// The texts in its body.
    pub(super) texts: Vec<String>,
    /// The paths that its body names.
    pub(super) names: Vec<Vec<String>>,
}

/// What a file says besides its tests.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    pub(super) names: Vec<Name>,
    pub(super) imports: Vec<Import>,
    /// Items at the top of a module: the inline modules around them, and their name.
    pub(super) defines: BTreeSet<(Vec<String>, String)>,
    /// Declared modules (`mod x;`), and whether only tests have them.
    pub(super) modules: Vec<(String, bool)>,
    /// Functions outside of `impl` and `trait`.
    pub(super) functions: Vec<Function>,
    /// Constants with texts: their name, and the texts.
    pub(super) constants: Vec<(String, Vec<String>)>,
    /// All texts, those in methods among them.
    pub(super) texts: Vec<String>,
}

impl Code {
    /// # Panics
    /// When it is not made of Rust's tokens.
    pub(super) fn read(text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("not Rust: {error}"));
        let mut code = Self::default();
        code.items(&list(tokens), &[]);
        code
    }

    /// The items of a file or of an inline module.
    fn items(&mut self, tokens: &[TokenTree], within: &[String]) {
        let mut rest = tokens;
        while !rest.is_empty() {
            let (attributes, after) = attributes(rest);
            let is_test = attributes.iter().any(|attribute| is_test_only(attribute));
            let length = item_length(after);
            let (item, next) = after.split_at(length);
            rest = next;
            if is_test {
                if let Some(module) = declared_module(item) {
                    self.modules.push((module, true));
                }
                continue;
            }
            for attribute in attributes {
                self.paths(&list(attribute.stream()), within);
            }
            self.item(item, within);
        }
    }

    fn item(&mut self, item: &[TokenTree], within: &[String]) {
        let (visibility, rest) = visibility(item);
        let Some((keyword, name_at)) = keyword(rest) else {
            self.paths(item, within);
            return;
        };
        if keyword == "use" {
            let mut import = Import {
                within: within.to_vec(),
                path: Vec::new(),
                alias: String::new(),
                is_reexport: !visibility.is_empty(),
                line: line(rest),
            };
            self.import(rest.get(1..).unwrap_or_default(), &mut import);
            return;
        }
        let name = rest.get(name_at).map(ToString::to_string).unwrap_or_default();
        let is_inline_module = keyword == "mod" && matches!(rest.last(), Some(TokenTree::Group(_)));
        if !is_inline_module {
            self.texts.extend(texts(item));
        }
        match (keyword.as_str(), rest.last()) {
            ("mod", Some(TokenTree::Group(body))) => {
                let mut within = within.to_vec();
                within.push(name);
                self.items(&list(body.stream()), &within);
            }
            ("mod", _) => self.modules.push((name, false)),
            ("impl", _) => self.paths(item, within),
            (kind, _) => {
                self.defines.insert((within.to_vec(), name.clone()));
                let before = self.names.len();
                self.paths(item, within);
                let texts = || texts(item);
                if kind == "fn" {
                    let named = self.names.get(before..).unwrap_or_default();
                    self.functions.push(Function {
                        name,
                        visibility,
                        line: line(rest),
                        texts: texts(),
                        names: named.iter().map(|named| named.segments.clone()).collect(),
                    });
                } else if kind == "const" || kind == "static" {
                    self.constants.push((name, texts()));
                }
            }
        }
    }

    /// The paths in any code, and the imports of blocks.
    fn paths(&mut self, tokens: &[TokenTree], within: &[String]) {
        let mut rest = tokens;
        while let Some(first) = rest.first() {
            match first {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    let (attributes, after) = attributes(rest);
                    if attributes.is_empty() {
                        rest = rest.get(1..).unwrap_or_default();
                    } else if attributes.iter().any(|attribute| is_test_only(attribute)) {
                        rest = after.get(item_length(after)..).unwrap_or_default();
                    } else {
                        for attribute in attributes {
                            self.paths(&list(attribute.stream()), within);
                        }
                        rest = after;
                    }
                }
                TokenTree::Ident(ident) if ident == "use" => {
                    let length = item_length(rest);
                    let (item, next) = rest.split_at(length);
                    self.item(item, within);
                    rest = next;
                }
                TokenTree::Ident(ident) => {
                    let (segments, next) = path(rest);
                    self.names.push(Name {
                        within: within.to_vec(),
                        segments,
                        line: ident.span().start().line,
                    });
                    rest = next;
                }
                TokenTree::Group(group) => {
                    self.paths(&list(group.stream()), within);
                    rest = rest.get(1..).unwrap_or_default();
                }
                // What follows a dot is a field or a method, and what follows an apostrophe a lifetime: no path.
                TokenTree::Punct(punct) if matches!(punct.as_char(), '.' | '\'') => {
                    let skipped = match rest.get(1) {
                        Some(TokenTree::Ident(_)) => 2,
                        // The two dots of a range, after which a path may follow.
                        next if is_punct(next, '.') => 2,
                        _ => 1,
                    };
                    rest = rest.get(skipped..).unwrap_or_default();
                }
                _ => rest = rest.get(1..).unwrap_or_default(),
            }
        }
    }

    /// The tree of a `use` declaration, from after `use` or a `::`.
    fn import(&mut self, tokens: &[TokenTree], import: &mut Import) {
        let depth = import.path.len();
        for branch in tokens.split(|token| is_punct(Some(token), ',') || is_punct(Some(token), ';')) {
            if branch.is_empty() {
                continue;
            }
            let (segments, rest) = path(branch);
            let is_self = segments == ["self"] && depth > 0;
            if !is_self {
                import.path.extend(segments);
            }
            match rest.first() {
                Some(TokenTree::Group(group)) => self.import(&list(group.stream()), import),
                Some(TokenTree::Punct(star)) if star.as_char() == '*' => self.leaf(import, "*"),
                Some(TokenTree::Ident(word)) if word == "as" => {
                    let alias = rest.get(1).map(ToString::to_string).unwrap_or_default();
                    self.leaf(import, &alias);
                }
                _ => {
                    let alias = import.path.last().cloned().unwrap_or_default();
                    self.leaf(import, &alias);
                }
            }
            import.path.truncate(depth);
        }
    }

    fn leaf(&mut self, import: &Import, alias: &str) {
        if !import.path.is_empty() {
            self.imports.push(Import {
                alias: alias.to_owned(),
                ..import.clone()
            });
        }
    }
}

fn list(tokens: TokenStream) -> Vec<TokenTree> {
    tokens.into_iter().collect()
}

fn line(tokens: &[TokenTree]) -> usize {
    tokens.first().map_or(0, |first| first.span().start().line)
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// Outer and inner attributes at the head, as the content of their brackets. Comments for documentation are none.
fn attributes(tokens: &[TokenTree]) -> (Vec<&Group>, &[TokenTree]) {
    let (mut found, mut rest) = (Vec::new(), tokens);
    while is_punct(rest.first(), '#') {
        let at = if is_punct(rest.get(1), '!') { 2 } else { 1 };
        let Some(TokenTree::Group(group)) = rest.get(at) else {
            break;
        };
        let is_doc = group
            .stream()
            .into_iter()
            .next()
            .is_some_and(|word| word.to_string() == "doc");
        if !is_doc {
            found.push(group);
        }
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    (found, rest)
}

/// `cfg(test)`, `cfg(any(test, ...))`, `cfg(feature = "testing")`; not `cfg(not(test))`.
fn is_test_only(attribute: &Group) -> bool {
    let text = attribute.stream().to_string().replace(' ', "");
    text.starts_with("cfg(")
        && !text.contains("not(")
        && (text.contains("(test") || text.contains("\"testing\""))
}

fn declared_module(item: &[TokenTree]) -> Option<String> {
    let (_, rest) = visibility(item);
    match rest {
        [
            TokenTree::Ident(word),
            TokenTree::Ident(name),
            TokenTree::Punct(_),
        ] if word == "mod" => Some(name.to_string()),
        _ => None,
    }
}

fn visibility(item: &[TokenTree]) -> (String, &[TokenTree]) {
    match item {
        [TokenTree::Ident(word), TokenTree::Group(scope), rest @ ..]
            if word == "pub" && scope.delimiter() == Delimiter::Parenthesis =>
        {
            (format!("pub{}", scope.to_string().replace(' ', "")), rest)
        }
        [TokenTree::Ident(word), rest @ ..] if word == "pub" => ("pub".to_owned(), rest),
        _ => (String::new(), item),
    }
}

/// What kind of item it is, and where its name stands.
fn keyword(item: &[TokenTree]) -> Option<(String, usize)> {
    let word = |at: usize| match item.get(at) {
        Some(TokenTree::Ident(word)) => word.to_string(),
        _ => String::new(),
    };
    let mut at = 0;
    loop {
        let next_is_fn = ["fn", "async", "unsafe", "extern"].contains(&word(at + 1).as_str());
        match word(at).as_str() {
            "const" if next_is_fn => at += 1,
            "async" | "unsafe" | "default" => at += 1,
            kind @ ("fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" | "mod"
            | "use" | "impl") => {
                return Some((kind.to_owned(), at + 1));
            }
            // macro_rules ! name { ... }
            "macro_rules" => return Some(("macro_rules".to_owned(), at + 2)),
            _ => return None,
        }
    }
}

/// How many tokens the item, field, arm or statement at the head has.
fn item_length(tokens: &[TokenTree]) -> usize {
    let (_, rest) = visibility(tokens);
    let kind = keyword(rest).map(|(kind, _)| kind);
    let ends_with_semicolon = matches!(kind.as_deref(), Some("use" | "const" | "static" | "type"));
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ';' => return at + 1,
            TokenTree::Punct(punct) if punct.as_char() == ',' && kind.is_none() => return at + 1,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !ends_with_semicolon => {
                return at + 1;
            }
            _ => {}
        }
    }
    tokens.len()
}

/// `a::b::c` at the head, and what follows.
fn path(tokens: &[TokenTree]) -> (Vec<String>, &[TokenTree]) {
    let (mut segments, mut rest) = (Vec::new(), tokens);
    let is_separator = |rest: &[TokenTree]| is_punct(rest.first(), ':') && is_punct(rest.get(1), ':');
    loop {
        if is_separator(rest) && matches!(rest.get(2), Some(TokenTree::Ident(_)) | None) {
            rest = rest.get(2..).unwrap_or_default();
        } else if is_separator(rest)
            && !segments.is_empty()
            && matches!(rest.get(2), Some(TokenTree::Group(_)))
        {
            // The branches of a `use`.
            return (segments, rest.get(2..).unwrap_or_default());
        } else if is_separator(rest) && is_punct(rest.get(2), '*') {
            return (segments, rest.get(2..).unwrap_or_default());
        } else if !segments.is_empty() {
            return (segments, rest);
        }
        let Some(TokenTree::Ident(ident)) = rest.first() else {
            return (segments, rest);
        };
        segments.push(ident.to_string());
        rest = rest.get(1..).unwrap_or_default();
    }
}

/// All texts in it, as they are written, but with single spaces.
fn texts(tokens: &[TokenTree]) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.contains('"') {
                    let words: Vec<_> = text
                        .split(|c: char| c.is_whitespace() || c == '\\')
                        .filter(|word| !word.is_empty())
                        .collect();
                    found.push(words.join(" "));
                }
            }
            TokenTree::Group(group) => found.extend(texts(&list(group.stream()))),
            _ => {}
        }
    }
    found
}
