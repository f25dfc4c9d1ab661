//! The key expression: what the user wrote, split in its parts, and which arguments it names.

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, Lit, UnOp, ext::IdentExt as _};

use crate::{
    errors::Errors,
    template::{self, Template},
};

/// `key = ..`.
pub(crate) enum KeyExpr {
    /// `key = all`.
    All(Ident),
    /// One part, or the parts of a tuple.
    Parts { whole: Expr, parts: Vec<PartExpr> },
}

/// A part of the key.
#[derive(Clone)]
pub(crate) enum PartExpr {
    /// An expression whose value is hashed.
    Value(Box<Expr>),
    /// A format string.
    Format(Template),
}

/// Splits a tuple in its parts; anything else is one part. `None` if a format string cannot be read, which is told.
pub(crate) fn split(expr: Expr, errors: &Errors) -> Option<KeyExpr> {
    let parts: Vec<Option<PartExpr>> = match &expr {
        Expr::Path(path) if path.path.is_ident("all") => {
            return Some(KeyExpr::All(path.path.segments[0].ident.clone()));
        }
        Expr::Tuple(tuple) => tuple.elems.iter().map(|part| part_of(part, errors)).collect(),
        _ => vec![part_of(&expr, errors)],
    };
    let parts = parts.into_iter().collect::<Option<_>>()?;
    Some(KeyExpr::Parts { whole: expr, parts })
}

fn part_of(expr: &Expr, errors: &Errors) -> Option<PartExpr> {
    let expr = unwrapped(expr);
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) if text.value().contains(['{', '}']) => {
                template::read(text, errors).map(PartExpr::Format)
            }
            _ => Some(PartExpr::Value(Box::new(expr.clone()))),
        },
        _ => Some(PartExpr::Value(Box::new(expr.clone()))),
    }
}

/// The expression without the invisible group around it.
pub(crate) fn bare(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => bare(*group.expr),
        other => other,
    }
}

fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => unwrapped(&paren.expr),
        Expr::Group(group) => unwrapped(&group.expr),
        other => other,
    }
}

/// An argument with nothing but `&` and `*` around it: `id`, `&id` and `*id`, not `order.id`.
pub(crate) struct Bare<'a> {
    pub(crate) name: &'a Ident,
    /// How many `*` look deeper into it than `&` come out of it.
    depth: isize,
    /// The deepest that they look.
    pub(crate) deepest: isize,
}

/// The argument that a part is, but for `&` and `*`.
pub(crate) fn bare_argument(part: &Expr) -> Option<Bare<'_>> {
    match unwrapped(part) {
        Expr::Path(path) => path.path.get_ident().map(|name| Bare { name, depth: 0, deepest: 0 }),
        Expr::Reference(reference) => {
            bare_argument(&reference.expr).map(|inner| Bare { depth: inner.depth - 1, ..inner })
        }
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => bare_argument(&unary.expr).map(|inner| {
            let depth = inner.depth + 1;
            Bare { depth, deepest: inner.deepest.max(depth), ..inner }
        }),
        _ => None,
    }
}

/// Whether two names are one: `r#id` is `id`.
pub(crate) fn same(left: &Ident, right: &Ident) -> bool {
    left.unraw() == right.unraw()
}

/// Whether the tokens use one of `names` as a variable: not as a field, a method or a part of a path.
pub(crate) fn names_any(tokens: TokenStream, names: &[&Ident]) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Ident(ident) => {
            let before = at.checked_sub(1).map(|at| &tokens[at]);
            let after_dot =
                punct(before) == Some('.') && punct(at.checked_sub(2).map(|at| &tokens[at])) != Some('.');
            let in_path =
                punct(before) == Some(':') && punct(at.checked_sub(2).map(|at| &tokens[at])) == Some(':');
            let of_path = punct(tokens.get(at + 1)) == Some(':') && punct(tokens.get(at + 2)) == Some(':');
            !after_dot && !in_path && !of_path && names.iter().any(|name| same(name, ident))
        }
        TokenTree::Group(group) => names_any(group.stream(), names),
        // `format!("{id}")` names `id` too.
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            names.iter().any(|name| {
                text.match_indices(&format!("{{{}", name.unraw()))
                    .any(|(at, found)| text[at + found.len()..].starts_with(['}', ':']))
            })
        }
        TokenTree::Punct(_) => false,
    })
}

/// All identifiers of the tokens, in order.
pub(crate) fn idents(tokens: TokenStream) -> Vec<Ident> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found.push(ident),
            TokenTree::Group(group) => found.extend(idents(group.stream())),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    found
}

fn punct(token: Option<&TokenTree>) -> Option<char> {
    match token {
        Some(TokenTree::Punct(punct)) => Some(punct.as_char()),
        _ => None,
    }
}

/// The tokens as a person would write them on one line. Unlike the compiler's own printing it does
/// not change from release to release.
pub(crate) fn text(tokens: impl ToTokens) -> String {
    let mut out = String::new();
    write(tokens.to_token_stream(), &mut out);
    out
}

fn write(tokens: TokenStream, out: &mut String) {
    let mut glued = true;
    let mut last_word = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                let after_comma = out.ends_with([',', ';']) && group.delimiter() != Delimiter::None;
                if after_comma || !glued && group.delimiter() == Delimiter::Brace {
                    out.push(' ');
                }
                out.push_str(open);
                write(group.stream(), out);
                out.push_str(close);
                (glued, last_word) = (false, true);
            }
            TokenTree::Punct(punct) => {
                let sign = punct.as_char();
                let tight =
                    matches!(sign, '.' | ':' | ',' | ';' | '?' | '!' | '&' | '*' | '#' | '\'' | '<' | '>');
                let prefix = matches!(sign, '&' | '*' | '!' | '#' | '\'');
                let after_comma = out.ends_with([',', ';']);
                // `impl Into<T> + Send`: that `>` is an end.
                let after_end = sign == '+' && out.ends_with('>');
                if after_end || !glued && (!tight || (prefix && !last_word) || after_comma) {
                    out.push(' ');
                }
                out.push(sign);
                let arrow = out.ends_with("->") || out.ends_with("=>");
                glued = (tight && !arrow && !matches!(sign, ',' | ';')) || punct.spacing() == Spacing::Joint;
                last_word = false;
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                if !glued {
                    out.push(' ');
                }
                out.push_str(&token.to_string());
                (glued, last_word) = (false, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::{Ident, Span};
    use quote::ToTokens as _;
    use syn::{Expr, parse_str};

    use super::{bare_argument, names_any, text};

    fn expr(source: &str) -> Expr {
        parse_str(source).unwrap()
    }

    // Fails when the printer follows the compiler's spacing, or drops a space between two words.
    #[test]
    fn a_key_reads_as_it_was_written() {
        for source in [
            "id",
            "order.id",
            "&order.id",
            "order.lines[0].sku",
            "a::b(c, d)",
            "*id",
            "id as u64",
            "a + b",
            "f(a, (b, [c]))",
            "format!(\"{id}\")",
        ] {
            assert_eq!(text(expr(source)), source);
        }
        assert_eq!(text(expr("order . id")), "order.id");
    }

    // Fails when a part of an argument counts as the argument, or a `*` is lost.
    #[test]
    fn only_a_whole_argument_counts() {
        let deepest = |source: &str| bare_argument(&expr(source)).map(|bare| bare.deepest);
        assert_eq!(deepest("order"), Some(0));
        assert_eq!(deepest("&(order)"), Some(0));
        assert_eq!(deepest("*&order"), Some(0));
        assert_eq!(deepest("*order"), Some(1));
        assert_eq!(deepest("&*order"), Some(1));
        assert_eq!(deepest("**order"), Some(2));
        assert_eq!(deepest("order.id"), None);
        assert_eq!(deepest("order.clone()"), None);
        assert_eq!(deepest("module::order"), None);
    }

    // Fails when fields, methods or path segments count as arguments, or inlined format arguments do not.
    #[test]
    fn an_argument_is_named_as_a_variable() {
        let id = Ident::new("id", Span::call_site());
        let named = |source: &str| names_any(expr(source).into_token_stream(), &[&id]);
        assert!(named("id"));
        assert!(named("f(&id)"));
        assert!(named("format!(\"{id:?}\")"));
        assert!(named("..id"));
        assert!(!named("order.id"));
        assert!(!named("ids"));
        assert!(!named("id::CONST"), "a module of that name");
        assert!(!named("other::id"));
        assert!(!named("\"{idem}\""));
    }
}
