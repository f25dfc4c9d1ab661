//! What stands between the brackets: `#[idempotent(key = .., skip(..), ..)]`, read one by one.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{
    Expr, ExprPath, Lit, LitStr, Token,
    ext::IdentExt as _,
    parse::{ParseStream, Parser as _},
};

use crate::{
    errors::Errors,
    key::{self, KeyExpr},
    slot::Slot,
    texts,
};

/// All arguments of the attribute, each with the tokens it came from.
pub(crate) struct Args {
    pub(crate) key: Slot<KeyExpr>,
    pub(crate) name: Slot<LitStr>,
    pub(crate) skip: Slot<Vec<Ident>>,
    pub(crate) store: Slot<Expr>,
    pub(crate) check: Slot<Check>,
    pub(crate) rerun: Slot<()>,
    pub(crate) on_err: Slot<OnErr>,
    pub(crate) wait: Slot<u64>,
    pub(crate) keep: Slot<Keep>,
    pub(crate) map_err: Slot<ExprPath>,
}

/// `check(path, after = "2s")`.
pub(crate) struct Check {
    pub(crate) path: ExprPath,
    pub(crate) after_micros: u64,
}

/// `on_err = ..`.
pub(crate) enum OnErr {
    Release(Ident),
    Store(Ident),
    With(Box<ExprPath>),
}

/// `keep = ..`.
pub(crate) enum Keep {
    Forever,
    Micros(u64),
}

/// How an argument was written, before anybody asked what it means.
enum Written {
    Alone,
    Value(Box<Expr>),
    List(TokenStream),
    Unreadable,
}

/// Reads the arguments. What cannot be read is reported, and reading goes on after the next comma.
pub(crate) fn parse(tokens: TokenStream, errors: &Errors) -> Args {
    let mut args = Args {
        key: Slot::empty(),
        name: Slot::empty(),
        skip: Slot::empty(),
        store: Slot::empty(),
        check: Slot::empty(),
        rerun: Slot::empty(),
        on_err: Slot::empty(),
        wait: Slot::empty(),
        keep: Slot::empty(),
        map_err: Slot::empty(),
    };
    let read_all = |input: ParseStream<'_>| {
        while !input.is_empty() {
            read_one(input, &mut args, errors);
            if !input.is_empty() && !input.peek(Token![,]) {
                let found = skip_to_comma(input);
                if let Some(found) = found {
                    errors.push(&found, texts::missing_comma(&found.to_string()));
                }
            }
            let _: Option<Token![,]> = input.parse()?;
        }
        Ok(())
    };
    if let Err(error) = read_all.parse2(tokens) {
        errors.keep(error);
    }
    args
}

/// Passes over tokens up to the next comma and gives back the first of them.
fn skip_to_comma(input: ParseStream<'_>) -> Option<TokenTree> {
    let mut first = None;
    while !input.is_empty() && !input.peek(Token![,]) {
        let token: TokenTree = input.parse().ok()?;
        first.get_or_insert(token);
    }
    first
}

fn read_one(input: ParseStream<'_>, args: &mut Args, errors: &Errors) {
    let Ok(name) = input.call(Ident::parse_any) else {
        let token = skip_to_comma(input);
        if let Some(token) = token {
            errors.push(token, texts::NOT_AN_ARGUMENT);
        } else {
            errors.keep(input.error(texts::NOT_AN_ARGUMENT));
        }
        return;
    };
    let written = read_form(input);
    match name.to_string().as_str() {
        "key" => fill(&mut args.key, name, written, errors, as_key),
        "name" => fill(&mut args.name, name, written, errors, as_name),
        "skip" => fill(&mut args.skip, name, written, errors, as_skip),
        "store" => fill(&mut args.store, name, written, errors, |_, written, _| match written {
            Written::Value(expr) => Read::Value(*expr),
            _ => Read::Malformed,
        }),
        "check" => fill(&mut args.check, name, written, errors, as_check),
        "rerun" => fill(&mut args.rerun, name, written, errors, |_, written, _| match written {
            Written::Alone => Read::Value(()),
            _ => Read::Malformed,
        }),
        "on_err" => fill(&mut args.on_err, name, written, errors, as_on_err),
        "wait" => fill(&mut args.wait, name, written, errors, |_, written, errors| match written {
            Written::Value(expr) => duration("wait", &expr, errors),
            _ => Read::Malformed,
        }),
        "keep" => fill(&mut args.keep, name, written, errors, as_keep),
        "map_err" => fill(&mut args.map_err, name, written, errors, |_, written, _| match written {
            Written::Value(expr) => as_path(*expr),
            _ => Read::Malformed,
        }),
        other => {
            let near = texts::nearest(other, texts::arguments());
            let text = texts::not_built(other).unwrap_or_else(|| texts::unknown_argument(other, near));
            errors.push(&name, text);
            // It is there, misspelt: nobody has to say that it is missing.
            if near == Some("key") && args.key.written().is_none() {
                args.key.fill(name, None, errors);
            }
        }
    }
}

fn read_form(input: ParseStream<'_>) -> Written {
    if input.peek(Token![=]) {
        let read = || -> syn::Result<Expr> {
            input.parse::<Token![=]>()?;
            input.parse()
        };
        match read() {
            // What a `macro_rules!` passes on comes in a group that nobody sees.
            Ok(expr) => Written::Value(Box::new(key::bare(expr))),
            Err(_) => {
                skip_to_comma(input);
                Written::Unreadable
            }
        }
    } else if input.peek(syn::token::Paren) {
        match input.parse() {
            Ok(TokenTree::Group(group)) => Written::List(group.stream()),
            _ => Written::Unreadable,
        }
    } else {
        Written::Alone
    }
}

/// What came of reading a value.
enum Read<T> {
    Value(T),
    /// Written in a form that this argument does not have.
    Malformed,
    /// Wrong, and already said.
    Told,
}

fn fill<T>(
    slot: &mut Slot<T>,
    name: Ident,
    written: Written,
    errors: &Errors,
    read: impl FnOnce(&Ident, Written, &Errors) -> Read<T>,
) {
    let value = match read(&name, written, errors) {
        Read::Value(value) => Some(value),
        Read::Malformed => {
            errors.push(&name, texts::malformed(&name));
            None
        }
        Read::Told => None,
    };
    slot.fill(name, value, errors);
}

fn as_key(_: &Ident, written: Written, errors: &Errors) -> Read<KeyExpr> {
    let Written::Value(expr) = written else { return Read::Malformed };
    if let Expr::Lit(literal) = &*expr
        && let Lit::Str(text) = &literal.lit
        && text.value().contains('{')
    {
        errors.push(text, texts::KEY_FORMAT);
        return Read::Told;
    }
    Read::Value(key::split(*expr))
}

fn as_name(_: &Ident, written: Written, errors: &Errors) -> Read<LitStr> {
    let Some(text) = text_of(&written) else { return Read::Malformed };
    if text.value().trim().is_empty() {
        errors.push(text, texts::EMPTY_NAME);
        return Read::Told;
    }
    Read::Value(text)
}

fn text_of(written: &Written) -> Option<LitStr> {
    let Written::Value(expr) = written else { return None };
    match &**expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn as_skip(_: &Ident, written: Written, errors: &Errors) -> Read<Vec<Ident>> {
    let Written::List(list) = written else { return Read::Malformed };
    let mut names: Vec<Ident> = Vec::new();
    let mut told = false;
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match input.call(Ident::parse_any) {
                Ok(name) if input.is_empty() || input.peek(Token![,]) => {
                    if names.contains(&name) {
                        errors.push(&name, texts::skip_twice(&name.to_string()));
                    } else {
                        names.push(name);
                    }
                }
                Ok(name) => {
                    skip_to_comma(input);
                    errors.push(name, texts::SKIP_NOT_A_NAME);
                    told = true;
                }
                Err(_) => {
                    if let Some(token) = skip_to_comma(input) {
                        errors.push(token, texts::SKIP_NOT_A_NAME);
                        told = true;
                    }
                }
            }
            let _: Option<Token![,]> = input.parse()?;
        }
        Ok(())
    };
    if let Err(error) = read.parse2(list) {
        errors.keep(error);
        told = true;
    }
    match (names.is_empty(), told) {
        (false, _) => Read::Value(names),
        (true, true) => Read::Told,
        (true, false) => Read::Malformed,
    }
}

fn as_check(name: &Ident, written: Written, errors: &Errors) -> Read<Check> {
    let Written::List(list) = written else { return Read::Malformed };
    let read = |input: ParseStream<'_>| Ok(check_list(name, input, errors));
    read.parse2(list).unwrap_or(Read::Malformed)
}

fn check_list(name: &Ident, input: ParseStream<'_>, errors: &Errors) -> Read<Check> {
    let Ok(path) = input.parse::<ExprPath>() else {
        let first = skip_rest(input);
        match first {
            Some(token) => errors.push(token, texts::CHECK_NEEDS_PATH),
            None => errors.push(name, texts::CHECK_NEEDS_PATH),
        }
        return Read::Told;
    };
    let mut after = None;
    let mut told = false;
    while !input.is_empty() {
        let comma: syn::Result<Token![,]> = input.parse();
        if input.is_empty() {
            break;
        }
        let Ok(option) = input.call(Ident::parse_any) else {
            if let Some(token) = skip_rest(input) {
                errors.push(token, texts::malformed("check"));
            }
            return Read::Told;
        };
        if comma.is_err() {
            errors.push(&option, texts::missing_comma(&option.to_string()));
            told = true;
        }
        match (option.to_string().as_str(), read_form(input)) {
            ("after", Written::Value(_)) if after.is_some() => {
                errors.push(&option, texts::written_twice("after"));
                told = true;
            }
            ("after", Written::Value(expr)) => match duration("after", &expr, errors) {
                Read::Value(micros) => after = Some(micros),
                Read::Malformed => {
                    errors.push(expr, texts::malformed("check"));
                    told = true;
                }
                Read::Told => told = true,
            },
            ("first", Written::Alone) => {
                errors.push(option, texts::CHECK_FIRST_NOT_BUILT);
                told = true;
            }
            ("after", _) => {
                errors.push(option, texts::malformed("check"));
                told = true;
            }
            (other, _) => {
                errors.push(&option, texts::check_unknown(other));
                told = true;
            }
        }
        if !input.is_empty()
            && !input.peek(Token![,])
            && let Some(token) = skip_to_comma(input)
        {
            errors.push(&token, texts::missing_comma(&token.to_string()));
            told = true;
        }
    }
    match after {
        Some(after_micros) if !told => Read::Value(Check { path, after_micros }),
        None if !told => {
            errors.push(&path, texts::check_needs_after(&key::text(&path)));
            Read::Told
        }
        _ => Read::Told,
    }
}

/// Passes over everything that is left and gives back the first token.
fn skip_rest(input: ParseStream<'_>) -> Option<TokenTree> {
    let rest: TokenStream = input.parse().ok()?;
    rest.into_iter().next()
}

fn as_on_err(_: &Ident, written: Written, _: &Errors) -> Read<OnErr> {
    let Written::Value(expr) = written else { return Read::Malformed };
    match as_path(*expr) {
        Read::Value(path) => Read::Value(match path.path.get_ident() {
            Some(word) if word == "release" => OnErr::Release(word.clone()),
            Some(word) if word == "store" => OnErr::Store(word.clone()),
            _ => OnErr::With(Box::new(path)),
        }),
        Read::Malformed => Read::Malformed,
        Read::Told => Read::Told,
    }
}

fn as_keep(_: &Ident, written: Written, errors: &Errors) -> Read<Keep> {
    let Written::Value(expr) = written else { return Read::Malformed };
    if let Expr::Path(path) = &*expr
        && path.path.is_ident("forever")
    {
        return Read::Value(Keep::Forever);
    }
    match duration("keep", &expr, errors) {
        Read::Value(0) => {
            errors.push(expr, texts::KEEP_NOTHING);
            Read::Told
        }
        Read::Value(micros) => Read::Value(Keep::Micros(micros)),
        Read::Malformed => Read::Malformed,
        Read::Told => Read::Told,
    }
}

fn as_path(expr: Expr) -> Read<ExprPath> {
    match expr {
        Expr::Path(path) => Read::Value(path),
        _ => Read::Malformed,
    }
}

/// Reads `"2s"` as microseconds.
fn duration(name: &str, expr: &Expr, errors: &Errors) -> Read<u64> {
    let Expr::Lit(literal) = expr else { return Read::Malformed };
    let Lit::Str(text) = &literal.lit else {
        errors.push(literal, texts::not_a_duration(name, &key::text(&literal.lit)));
        return Read::Told;
    };
    match micros(&text.value()) {
        Some(micros) => Read::Value(micros),
        None => {
            errors.keep(syn::Error::new(text.span(), texts::not_a_duration(name, &text.value())));
            Read::Told
        }
    }
}

fn micros(text: &str) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let unit: u64 = match unit {
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60 * 1_000_000,
        "h" => 3_600 * 1_000_000,
        "d" => 86_400 * 1_000_000,
        _ => return None,
    };
    let micros = count.parse::<u64>().ok()?.checked_mul(unit)?;
    // Stores count time in signed numbers.
    i64::try_from(micros).ok().map(i64::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use super::micros;

    // Fails when a unit is dropped, a fraction or a blank is accepted, or an overflow wraps around.
    #[test]
    fn durations_are_whole_numbers_with_a_unit() {
        assert_eq!(micros("500ms"), Some(500_000));
        assert_eq!(micros("0s"), Some(0));
        assert_eq!(micros("2s"), Some(2_000_000));
        assert_eq!(micros("5m"), Some(300_000_000));
        assert_eq!(micros("1h"), Some(3_600_000_000));
        assert_eq!(micros("30d"), Some(2_592_000_000_000));
        for wrong in ["", "s", "5", "5 s", "1.5s", "-1s", "5sec", "2w", "99999999999999d", "107000000d"] {
            assert_eq!(micros(wrong), None, "{wrong}");
        }
    }
}
