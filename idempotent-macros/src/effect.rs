//! Finds `effect!(..)` in the body and tells it where it stands.
//!
//! The attribute does not replace the macro: it puts a few tokens at the head of its arguments. So the
//! macro stays one that editors know, that is imported, and that explains itself outside the attribute.

use proc_macro2::{Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{
    Block, ExprAsync, ExprClosure, Item, Macro,
    visit::{self, Visit},
};

use crate::{errors::Errors, key, texts};

/// Where an `effect!` stands, and so how it can end the call when its mark is refused.
#[derive(Clone, Copy)]
enum Mode {
    /// In the body: it may return.
    Return,
    /// In a block or closure of another type: it stops the attempt.
    Stop,
}

/// What the marker is called in a body: `effect`, and what a `use idempotent::effect as name;` inside of it says. One
/// outside cannot be seen.
struct Names(Vec<Ident>);

impl Names {
    fn of(body: TokenStream) -> Self {
        let mut names = Self(vec![Ident::new("effect", Span::call_site())]);
        names.look(body, false);
        names
    }

    fn look(&mut self, tokens: TokenStream, in_use: bool) {
        let mut in_use = in_use;
        let mut before: [Option<Ident>; 2] = [None, None];
        for token in tokens {
            let word = match token {
                TokenTree::Group(group) => {
                    self.look(group.stream(), in_use);
                    None
                }
                TokenTree::Punct(punct) => {
                    in_use &= punct.as_char() != ';';
                    None
                }
                TokenTree::Ident(word) => Some(word),
                TokenTree::Literal(_) => None,
            };
            if let Some(word) = &word {
                in_use |= word == "use";
                if in_use
                    && let [Some(first), Some(second)] = &before
                    && first == "effect"
                    && second == "as"
                {
                    self.0.push(word.clone());
                }
            }
            let [_, last] = before;
            before = [last, word];
        }
    }

    fn has(&self, word: &Ident) -> bool {
        self.0.iter().any(|name| key::same(name, word))
    }

    /// `effect`, `!`, `(..)`.
    fn is_effect(&self, tokens: &[TokenTree]) -> bool {
        matches!(tokens, [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(_)]
            if self.has(name) && bang.as_char() == '!' && bang.spacing() == Spacing::Alone)
    }
}

/// The markers of a body, in the order in which they were written.
pub(crate) struct Markers {
    names: Names,
    modes: Vec<Mode>,
    is_async: bool,
}

impl Markers {
    /// Looks for markers. Those that stand where they cannot work are reported.
    pub(crate) fn find(body: &Group, is_async: bool, errors: &Errors) -> Self {
        let mut markers = Self { names: Names::of(body.stream()), modes: Vec::new(), is_async };
        let Self { names, modes, .. } = &mut markers;
        let calls = names.calls(body.stream()).len();
        // Reading the body is most of what the attribute costs, and most markers stand in plain sight.
        if names.in_plain_sight(body.stream()) {
            modes.resize(calls, Mode::Return);
            return markers;
        }
        match syn::parse2::<Block>(body.to_token_stream()) {
            Ok(block) => {
                let mut finder = Finder { is_async, inside: Inside::Body, names, modes, errors };
                finder.visit_block(&block);
            }
            Err(error) => errors.keep(syn::Error::new(error.span(), texts::effect_unreadable(&error))),
        }
        markers
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.modes.is_empty()
    }

    /// The body with each marker told its mode and the name of the claim.
    pub(crate) fn place(&self, body: &Group, claim: &Ident) -> TokenStream {
        let mut modes = self.modes.iter();
        self.names.each(body.to_token_stream(), &mut |arguments| {
            let mode = match (modes.next(), self.is_async) {
                (Some(Mode::Stop), true) => quote!(@stop_async),
                (Some(Mode::Stop), false) => quote!(@stop),
                (_, true) => quote!(@return_async),
                (_, false) => quote!(@return),
            };
            quote!(#mode #claim; #arguments)
        })
    }
}

/// The body with each marker made to do nothing, for a function that is emitted beside its errors.
pub(crate) fn unmarked(body: TokenStream) -> TokenStream {
    let names = Names::of(body.clone());
    names.unmarked(body)
}

impl Names {
    fn unmarked(&self, body: TokenStream) -> TokenStream {
        self.each(body, &mut |arguments| {
            let arguments = self.unmarked(arguments);
            quote!(@plain; #arguments)
        })
    }

    /// Gives the arguments of each `effect!(..)` to `change`, in order.
    fn each(&self, tokens: TokenStream, change: &mut dyn FnMut(TokenStream) -> TokenStream) -> TokenStream {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let marked: Vec<bool> =
            (0..tokens.len()).map(|at| at >= 2 && self.is_effect(&tokens[at - 2..=at])).collect();
        tokens
            .into_iter()
            .zip(marked)
            .map(|(token, marked)| match token {
                TokenTree::Group(group) => {
                    let stream =
                        if marked { change(group.stream()) } else { self.each(group.stream(), change) };
                    let mut changed = Group::new(group.delimiter(), stream);
                    changed.set_span(group.span());
                    TokenTree::Group(changed)
                }
                other => other,
            })
            .collect()
    }

    /// The word `effect` of each call, at any depth.
    fn calls(&self, tokens: TokenStream) -> Vec<Ident> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut found = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(name) if tokens.get(at..at + 3).is_some_and(|call| self.is_effect(call)) => {
                    found.push(name.clone())
                }
                TokenTree::Group(group) => found.extend(self.calls(group.stream())),
                _ => {}
            }
        }
        found
    }
}

/// Words that begin something with its own way to end, or in which nothing can end.
const OWN_WAYS: [&str; 11] =
    ["async", "const", "static", "fn", "impl", "trait", "mod", "struct", "enum", "type", "macro_rules"];

impl Names {
    /// Whether all markers certainly stand in the body itself: before none of them, in its statement or one around
    /// it, is there anything in which it could stand otherwise.
    fn in_plain_sight(&self, tokens: TokenStream) -> bool {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut hidden = false;
        tokens.iter().enumerate().all(|(at, token)| {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ';' => hidden = false,
                TokenTree::Punct(punct) => hidden |= matches!(punct.as_char(), '|' | '#'),
                TokenTree::Ident(word) => hidden |= OWN_WAYS.iter().any(|way| word == way),
                TokenTree::Literal(_) => {}
                TokenTree::Group(group) => {
                    let inside = group.stream();
                    let of_macro = at >= 2
                        && matches!(&tokens[at - 2..at], [TokenTree::Ident(_), TokenTree::Punct(bang)]
                            if bang.as_char() == '!');
                    let of_effect = at >= 2 && self.is_effect(&tokens[at - 2..=at]);
                    return if of_effect {
                        !hidden && !inside.is_empty() && self.calls(inside).is_empty()
                    } else if hidden || of_macro {
                        self.calls(inside).is_empty()
                    } else {
                        self.in_plain_sight(inside)
                    };
                }
            }
            true
        })
    }
}

/// The innermost thing that has its own way to end.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Body,
    Async,
    Closure,
    Item,
    Const,
}

struct Finder<'a> {
    is_async: bool,
    inside: Inside,
    names: &'a Names,
    modes: &'a mut Vec<Mode>,
    errors: &'a Errors,
}

impl Finder<'_> {
    fn within(&mut self, inside: Inside, look: impl FnOnce(&mut Self)) {
        let outside = self.inside;
        self.inside = match outside {
            // An item, or a future that nobody here may block, stays one however deep.
            Inside::Item | Inside::Const => outside,
            Inside::Async if !self.is_async => Inside::Async,
            _ => inside,
        };
        look(self);
        self.inside = outside;
    }

    fn effect(&mut self, node: &Macro) {
        let Some(name) = node.path.segments.last().map(|segment| &segment.ident) else { return };
        if node.tokens.is_empty() {
            self.errors.push(name, texts::EFFECT_EMPTY);
        }
        for inner in self.names.calls(node.tokens.clone()) {
            self.errors.push(inner, texts::EFFECT_NESTED);
        }
        let mode = match (self.inside, self.is_async) {
            (Inside::Body, _) => Mode::Return,
            (Inside::Async, true) | (Inside::Closure, false) => Mode::Stop,
            (Inside::Async, false) => return self.errors.push(name, texts::EFFECT_IN_ASYNC),
            (Inside::Closure, true) => return self.errors.push(name, texts::EFFECT_IN_CLOSURE),
            (Inside::Item, _) => return self.errors.push(name, texts::EFFECT_IN_ITEM),
            (Inside::Const, _) => return self.errors.push(name, texts::EFFECT_IN_CONST),
        };
        self.modes.push(mode);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_macro(&mut self, node: &'ast Macro) {
        if node.path.segments.last().is_some_and(|last| self.names.has(&last.ident)) {
            return self.effect(node);
        }
        for name in self.names.calls(node.tokens.clone()) {
            self.errors.push(name, texts::EFFECT_IN_MACRO);
        }
    }

    fn visit_expr_async(&mut self, node: &'ast ExprAsync) {
        self.within(Inside::Async, |this| visit::visit_expr_async(this, node));
    }

    fn visit_expr_closure(&mut self, node: &'ast ExprClosure) {
        let inside = if node.asyncness.is_some() { Inside::Async } else { Inside::Closure };
        self.within(inside, |this| visit::visit_expr_closure(this, node));
    }

    fn visit_item(&mut self, node: &'ast Item) {
        self.within(Inside::Item, |this| visit::visit_item(this, node));
    }

    fn visit_expr_const(&mut self, node: &'ast syn::ExprConst) {
        self.within(Inside::Const, |this| visit::visit_expr_const(this, node));
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    // Fails when a marker that can stand elsewhere than in the body passes unread, or a plain one is read.
    #[test]
    fn what_stands_in_plain_sight_is_not_read() {
        let plain = |body: &str| {
            let body: proc_macro2::TokenStream = body.parse().unwrap();
            Names::of(body.clone()).in_plain_sight(body)
        };
        assert!(plain("act()"));
        assert!(plain("let all = list.map(|x| x + 1); let n = effect!(act()?); if n > 1 { effect!(act()) }"));
        assert!(plain("let a = println!(\"{}\", 1); loop { effect!(act()); }"));
        for hidden in [
            "list.map(|x| effect!(act(x)))",
            "list.map(|x| { effect!(act(x)) })",
            "async { effect!(act()) }.await",
            "let act = async move || { if a { effect!(act()) } };",
            "fn inner() { effect!(act()) }",
            "const { effect!(act()) }",
            "println!(\"{}\", effect!(act()))",
            "macro_rules! act { () => { effect!(act()) } }",
            "effect!()",
            "effect!(f(effect!(act())))",
            "std::println!(\"{}\", [effect!(act())])",
        ] {
            assert!(!plain(hidden), "{hidden}");
        }
    }

    // Fails when a new name is missed, or taken where no `use` gives one.
    #[test]
    fn a_use_in_the_body_gives_the_marker_another_name() {
        let names = |body: &str| {
            let names = Names::of(body.parse().unwrap());
            names.0.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names("effect!(act());"), ["effect"]);
        assert_eq!(names("use idempotent::effect as fx; fx!(act());"), ["effect", "fx"]);
        assert_eq!(names("async { use ::idempotent::{idempotent, effect as r#do}; }"), ["effect", "r#do"]);
        assert_eq!(names("use other::thing; let at = effect as usize;"), ["effect"]);
        assert_eq!(names("use idempotent::effect; fx!(act());"), ["effect"]);
    }
}
