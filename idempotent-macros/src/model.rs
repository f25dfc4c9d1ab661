//! One operation: what the arguments and the function say together.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{
    Expr, GenericArgument, GenericParam, Pat, PathArguments, ReceiverKind, Type, spanned::Spanned as _,
};

use crate::{
    args::{Args, OnErr},
    function::{Function, Param, only_argument},
    key::{self, KeyExpr, PartExpr},
    template::Hole,
};

/// The operation as it was written. Rules look at it, and `expand` prints it.
pub(crate) struct Model {
    pub(crate) args: Args,
    pub(crate) function: Function,
    /// The parts of the key, in order.
    pub(crate) key: Vec<Part>,
    /// The arguments of the fingerprint, in order.
    pub(crate) rest: Vec<Ident>,
    /// Type parameters that the recorded value depends on.
    pub(crate) type_params: Vec<Ident>,
    /// Constant parameters that the recorded value depends on.
    pub(crate) const_params: Vec<Ident>,
}

/// One part of the key.
pub(crate) struct Part {
    /// As it was written. A literal has no name: its value says it all.
    pub(crate) text: String,
    pub(crate) value: PartExpr,
}

impl Model {
    pub(crate) fn build(args: Args, function: Function) -> Self {
        let skipped = args.skip.get().map_or(&[][..], Vec::as_slice);
        let bindings: Vec<&Ident> =
            function.bindings().filter(|name| !skipped.iter().any(|other| key::same(other, name))).collect();
        let key: Vec<Part> = match args.key.get() {
            None => Vec::new(),
            Some(KeyExpr::All(_)) => {
                bindings.iter().map(|name| Part::new(PartExpr::Value(Box::new(variable(name))))).collect()
            }
            Some(KeyExpr::Parts { parts, .. }) => parts.iter().cloned().map(Part::new).collect(),
        };
        let scope = args.scope.get().and_then(|scope| whole_text(&function, scope));
        let whole: Vec<&Ident> =
            key.iter().flat_map(|part| whole_arguments(&function, &part.value)).chain(scope).collect();
        let rest = bindings
            .into_iter()
            .filter(|name| !whole.iter().any(|other| key::same(other, name)))
            .cloned()
            .collect();
        let (type_params, const_params) =
            generics_of_value(&function, matches!(args.on_err.get(), Some(OnErr::Store(_))));
        Self { args, function, key, rest, type_params, const_params }
    }

    /// Whether an argument takes part in the key or the fingerprint as a whole.
    pub(crate) fn counts(&self, name: &Ident) -> bool {
        !self.args.skip.get().is_some_and(|skipped| skipped.iter().any(|other| key::same(other, name)))
    }

    /// Whether the operation uses an argument, even where the body does not.
    pub(crate) fn uses(&self, name: &Ident) -> bool {
        let in_expr = |expr: &Expr| key::names_any(expr.to_token_stream(), &[name]);
        self.counts(name)
            || self.args.check.get().is_some()
            || self.args.store.get().is_some_and(in_expr)
            || self.args.scope.get().is_some_and(in_expr)
            || self.key.iter().any(|part| match &part.value {
                PartExpr::Value(expr) => in_expr(expr),
                PartExpr::Format(template) => template.holes().any(|hole| key::same(&hole.root, name)),
            })
    }

    /// The arguments that `secret(..)` names.
    pub(crate) fn secrets(&self) -> &[Ident] {
        self.args.secret.get().map_or(&[], Vec::as_slice)
    }

    /// Whether an expression names a secret argument, so that its value is one, too.
    pub(crate) fn is_secret(&self, expr: &Expr) -> bool {
        let secrets: Vec<&Ident> = self.secrets().iter().collect();
        key::names_any(expr.to_token_stream(), &secrets)
    }

    /// The module of ours that expanded code names, at a place in the code.
    pub(crate) fn private(&self, place: Span) -> TokenStream {
        match self.args.krate.get() {
            None => quote_spanned!(place=> ::idempotent::__private),
            Some(_) => quote_spanned!(place=> __idempotent_private),
        }
    }

    /// The line that gives that module its name, where it lies elsewhere. There is one such line, so that a wrong path
    /// is one error.
    pub(crate) fn import(&self) -> Option<TokenStream> {
        let path = self.args.krate.get()?;
        let place = path.span().resolved_at(Span::mixed_site());
        Some(quote_spanned!(place=> use #path::__private as __idempotent_private;))
    }
}

impl Part {
    fn new(value: PartExpr) -> Self {
        let text = match &value {
            PartExpr::Format(_) => String::new(),
            PartExpr::Value(expr) if matches!(**expr, Expr::Lit(_)) => String::new(),
            PartExpr::Value(expr) => key::text(expr),
        };
        Self { text, value }
    }
}

/// The arguments that a part of the key is the whole of, or that its holes are.
pub(crate) fn whole_arguments<'a>(function: &Function, part: &'a PartExpr) -> Vec<&'a Ident> {
    match part {
        PartExpr::Value(expr) => whole_argument(function, expr).into_iter().collect(),
        PartExpr::Format(template) => {
            template.holes().filter_map(|Hole { expr, .. }| whole_text(function, expr)).collect()
        }
    }
}

/// The argument that a text is the whole of: one whose type visibly is a text, a `char`, an integer or a `bool`. What
/// the `Display` of another type shows can be less than the argument.
pub(crate) fn whole_text<'a>(function: &Function, expr: &'a Expr) -> Option<&'a Ident> {
    let name = key::bare_argument(expr)?.name;
    is_text(&param_of(function, name)?.ty).then_some(name)
}

/// The argument that is bound by this one name.
pub(crate) fn param_of<'a>(function: &'a Function, name: &Ident) -> Option<&'a Param> {
    let is_it = |param: &&Param| matches!(&param.pat, Pat::Ident(pat) if key::same(&pat.ident, name));
    function.params.iter().find(is_it)
}

fn is_text(ty: &Type) -> bool {
    const TEXTS: &[&str] = &[
        "str", "String", "char", "bool", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32",
        "i64", "i128", "isize",
    ];
    match (pointed_at(ty), ty) {
        (Some(inner), _) => is_text(inner),
        (None, Type::Path(path)) => {
            let name = key::text(&path.path);
            TEXTS.contains(&name.as_str())
                || matches!(&*name, "std::string::String" | "alloc::string::String")
        }
        (None, _) => false,
    }
}

/// The argument that a part of the key is the whole of: `id`, `&id`, and `*id` where `*` visibly hides nothing. What a
/// `Deref` of the user's gives can be less than the argument.
pub(crate) fn whole_argument<'a>(function: &Function, part: &'a Expr) -> Option<&'a Ident> {
    let bare = key::bare_argument(part)?;
    if bare.deepest == 0 {
        return Some(bare.name);
    }
    let mut ty = &param_of(function, bare.name)?.ty;
    for _ in 0..bare.deepest {
        ty = pointed_at(ty)?;
    }
    Some(bare.name)
}

/// `T` of `&T`, `Box<T>` and the like.
fn pointed_at(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) => Some(&reference.elem),
        Type::Paren(paren) => pointed_at(&paren.elem),
        Type::Group(group) => pointed_at(&group.elem),
        _ => ["Box", "Rc", "Arc", "Cow"].iter().find_map(|name| only_argument(ty, name)),
    }
}

fn variable(name: &Ident) -> Expr {
    syn::parse_quote!(#name)
}

/// The type parameters and the constants of the function that occur in what is recorded.
fn generics_of_value(function: &Function, stores_errors: bool) -> (Vec<Ident>, Vec<Ident>) {
    let (mut types, mut constants) = (Vec::new(), Vec::new());
    let Some(output) = &function.output else { return (types, constants) };
    let recorded = if stores_errors { output } else { ok_type(output) };
    let used = key::idents(recorded.to_token_stream());
    for param in &function.sig.generics.params {
        match param {
            GenericParam::Type(param) if used.contains(&param.ident) => types.push(param.ident.clone()),
            GenericParam::Const(param) if used.contains(&param.ident) => constants.push(param.ident.clone()),
            _ => {}
        }
    }
    (types, constants)
}

/// `T` of `Result<T, E>` as far as it can be seen; the whole type behind an alias.
pub(crate) fn ok_type(output: &Type) -> &Type {
    let Type::Path(path) = output else { return output };
    let Some(last) = path.path.segments.last() else { return output };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return output };
    let first = arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    if last.ident == "Result" { first.unwrap_or(output) } else { output }
}

/// The argument put together again from its pattern, for `check`, which gets the same arguments.
/// `None` where the pattern has forgotten something.
pub(crate) fn rebuilt(param: &Param) -> Option<TokenStream> {
    value(&param.pat, Some(&param.ty))
}

fn value(pat: &Pat, ty: Option<&Type>) -> Option<TokenStream> {
    match pat {
        Pat::Ident(ident) if ident.by_ref.is_none() && ident.subpat.is_none() => {
            let name = &ident.ident;
            let span = name.span().resolved_at(Span::mixed_site());
            Some(match ty {
                Some(Type::Reference(reference)) if reference.mutability.is_some() => quote!(&mut *#name),
                Some(Type::Reference(_)) => quote!(#name),
                _ => quote_spanned!(span=> ::core::clone::Clone::clone(&#name)),
            })
        }
        Pat::Paren(paren) => value(&paren.pat, ty),
        Pat::Tuple(tuple) => {
            let types = match ty {
                Some(Type::Tuple(types)) if types.elems.len() == tuple.elems.len() => Some(&types.elems),
                _ => None,
            };
            let parts = tuple
                .elems
                .iter()
                .enumerate()
                .map(|(at, elem)| value(elem, types.map(|types| &types[at])))
                .collect::<Option<Vec<_>>>()?;
            Some(quote!((#(#parts,)*)))
        }
        Pat::TupleStruct(tuple) => {
            let path = &tuple.path;
            let parts = tuple.elems.iter().map(|elem| value(elem, None)).collect::<Option<Vec<_>>>()?;
            Some(quote!(#path(#(#parts),*)))
        }
        Pat::Struct(fields) if fields.rest.is_none() => {
            let path = &fields.path;
            let parts = fields
                .fields
                .iter()
                .map(|field| {
                    let member = &field.member;
                    value(&field.pat, None).map(|value| quote!(#member: #value))
                })
                .collect::<Option<Vec<_>>>()?;
            Some(quote!(#path { #(#parts),* }))
        }
        _ => None,
    }
}

/// The receiver as an argument of `check`.
pub(crate) fn receiver_value(function: &Function) -> Option<TokenStream> {
    let receiver = function.sig.receiver()?;
    let this = match &function.form {
        crate::function::Form::Boxed { receiver: Some(name), .. } => name.to_token_stream(),
        _ => receiver.self_token.to_token_stream(),
    };
    let span = receiver.self_token.span.resolved_at(Span::mixed_site());
    Some(match &receiver.kind {
        ReceiverKind::Reference(_, _, Some(_)) => quote!(&mut *#this),
        ReceiverKind::Reference(_, _, None) => this,
        _ => quote_spanned!(span=> ::core::clone::Clone::clone(&#this)),
    })
}
