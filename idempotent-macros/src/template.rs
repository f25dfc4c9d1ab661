//! A format string as a key: `"{patient}:{order.id}"`, read into its pieces.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, LitStr};

use crate::{errors::Errors, texts};

/// A format string, and what it is made of.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) literal: LitStr,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Clone)]
pub(crate) enum Piece {
    Text(String),
    Hole(Hole),
}

/// `{order.id}`.
#[derive(Clone)]
pub(crate) struct Hole {
    /// `order.id`, as written.
    pub(crate) text: String,
    /// `order`.
    pub(crate) root: Ident,
    /// The same as an expression, at the place of the string.
    pub(crate) expr: Expr,
}

impl Template {
    /// The holes, in order.
    pub(crate) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) => Some(hole),
            Piece::Text(_) => None,
        })
    }
}

/// Reads a format string. Everything that is wrong with it is told on the string.
pub(crate) fn read(literal: &LitStr, errors: &Errors) -> Option<Template> {
    let whole = literal.value();
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = whole.as_str();
    let mut is_good = true;
    let mut wrong = |said: String| {
        errors.push(literal, said);
        is_good = false;
    };
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            text.push_str(&from[..1]);
            rest = after;
            continue;
        }
        let Some(inside) = from.strip_prefix('{') else {
            wrong(texts::key_stray_brace());
            rest = &from[1..];
            continue;
        };
        let end = inside.find(['{', '}']).unwrap_or(inside.len());
        let (written, after) = inside.split_at(end);
        rest = after;
        let Some(after) = after.strip_prefix('}') else {
            wrong(texts::key_open_brace(written));
            continue;
        };
        rest = after;
        match hole(written, literal.span()) {
            Ok(hole) => {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Hole(hole));
            }
            Err(said) => wrong(said),
        }
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    is_good.then(|| Template { literal: literal.clone(), pieces })
}

/// What stands between two braces: an argument or a field of one.
fn hole(written: &str, place: Span) -> Result<Hole, String> {
    let text = written.trim();
    if text.is_empty() || text.chars().all(|letter| letter.is_ascii_digit()) {
        return Err(texts::key_hole_without_name(text));
    }
    if let Some((name, _)) = text.split_once(':')
        && !text.contains("::")
    {
        return Err(texts::key_hole_with_format(text, name.trim()));
    }
    let mut names = text.split('.');
    let not_a_name = || texts::key_hole_no_name(text);
    let root = names.next().and_then(|name| word(name, place)).ok_or_else(not_a_name)?;
    let mut tokens = quote_spanned!(place=> #root);
    // A misspelt field is told on the string, and not mended there: what the compiler offers would replace all of it.
    let place = place.resolved_at(Span::mixed_site());
    for name in names {
        let member = member(name, place).ok_or_else(not_a_name)?;
        tokens.extend(quote_spanned!(place=> .#member));
    }
    let expr = syn::parse2(tokens).map_err(|_| not_a_name())?;
    Ok(Hole { text: text.to_owned(), root, expr })
}

/// A name, also one that has to be written `r#type` elsewhere.
fn word(name: &str, place: Span) -> Option<Ident> {
    if name == "self" {
        return Some(Ident::new(name, place));
    }
    let mut word =
        match (syn::parse_str::<Ident>(name), name.chars().all(|letter| letter.is_ascii_alphabetic())) {
            (Ok(word), _) => word,
            (Err(_), true) => syn::parse_str(&format!("r#{name}")).ok()?,
            (Err(_), false) => return None,
        };
    word.set_span(place);
    Some(word)
}

/// A field's name, or its number in a tuple.
fn member(name: &str, place: Span) -> Option<TokenStream> {
    if !name.is_empty() && name.chars().all(|letter| letter.is_ascii_digit()) {
        let mut number = Literal::u32_unsuffixed(name.parse().ok()?);
        number.set_span(place);
        return Some(quote_spanned!(place=> #number));
    }
    word(name, place).map(|word| quote_spanned!(place=> #word))
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;
    use syn::LitStr;

    use super::{Piece, read};
    use crate::{errors::Errors, key};

    /// `Ok` with each piece, holes in brackets, or the errors.
    fn pieces(text: &str) -> Result<Vec<String>, Vec<String>> {
        let errors = Errors::new();
        let template = read(&LitStr::new(text, Span::call_site()), &errors);
        let told: Vec<String> = errors.take().iter().map(ToString::to_string).collect();
        assert_eq!(template.is_some(), told.is_empty(), "{told:?}");
        template.ok_or(told).map(|template| {
            let shown = |piece: &Piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Hole(hole) => {
                    // A keyword may be written without its `r#`, as in any format string.
                    let bare = |text: &str| text.replace("r#", "");
                    assert_eq!(bare(&key::text(&hole.expr)), bare(&hole.text));
                    format!("[{} of {}]", hole.text, hole.root)
                }
            };
            template.pieces.iter().map(shown).collect()
        })
    }

    // Fails when braces that stand for themselves open a hole, or a piece is lost.
    #[test]
    fn a_format_string_is_read_into_its_pieces() {
        let good = |text: &str| pieces(text).unwrap();
        assert_eq!(good("{a}:{b}"), ["[a of a]", ":", "[b of b]"]);
        assert_eq!(good("{a}{b}"), ["[a of a]", "[b of b]"]);
        assert_eq!(good("no hole"), ["no hole"]);
        assert_eq!(good("{{a}}"), ["{a}"]);
        assert_eq!(good("{{{a}}}"), ["{", "[a of a]", "}"]);
        assert_eq!(good("o { order.lines.0.sku } "), ["o ", "[order.lines.0.sku of order]", " "]);
        assert_eq!(good("{self.id}"), ["[self.id of self]"]);
        assert_eq!(good("{r#type}"), ["[r#type of r#type]"]);
        assert_eq!(good(""), [""; 0]);
    }

    // Fails when one mistake hides another, or what is no name is taken for one.
    #[test]
    fn every_mistake_is_told() {
        let said = |text: &str, words: &[&str]| {
            let told = pieces(text).unwrap_err();
            assert_eq!(told.len(), words.len(), "{text}: {told:?}");
            for (told, word) in told.iter().zip(words) {
                assert!(told.contains(word), "{text}: {told}");
            }
        };
        said("{}", &["names its argument"]);
        said("{0}:{1}", &["`{0}`", "`{1}`"]);
        said("{a:?}", &["`{a}`"]);
        said("{a:>5}{b:?}", &["`{a:>5}`", "`{b:?}`"]);
        said("{a", &["`{a`"]);
        said("{a{b}", &["`{a`"]);
        said("a}", &["`}}`"]);
        for no_name in ["{a()}", "{a[0]}", "{a::b}", "{a.}", "{.a}", "{&a}", "{a b}", "{1a}", "{a.1e1}"] {
            said(no_name, &["neither an argument nor a field of one"]);
        }
    }

    // Fails when a text makes the reading panic, is refused without a word, or is read as something else than it says.
    #[test]
    fn any_text_is_read_or_refused() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut roll = |sides: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % sides as u64) as usize
        };
        let parts = [
            "{",
            "}",
            "{",
            "}",
            "{{",
            "}}",
            "a",
            "type",
            "self",
            "crate",
            "_",
            ".",
            "0",
            "4294967296",
            ":?",
            "r#",
            " ",
            "é",
            "\0",
            "\"",
        ];
        let mut good = 0;
        for _ in 0..100_000 {
            let text: String = (0..roll(9)).map(|_| parts[roll(parts.len())]).collect();
            let Ok(read) = pieces(&text) else { continue };
            let errors = Errors::new();
            let template = super::read(&LitStr::new(&text, Span::call_site()), &errors).unwrap();
            assert!(errors.take().is_empty());
            let again: String = template
                .pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
                    Piece::Hole(hole) => format!("{{{}}}", hole.text),
                })
                .collect();
            assert_eq!(pieces(&again).unwrap(), read, "{text:?}");
            good += 1;
        }
        assert!(good > 10_000, "{good} could be read");
    }
}
