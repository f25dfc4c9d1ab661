//! The annotated function: its signature, its arguments as bindings, and its body as written.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{
    Attribute, Block, Expr, ExprAsync, FnArg, GenericArgument, Pat, PathArguments, ReturnType, Signature,
    Stmt, Token, Type, TypeParamBound, Visibility,
    parse::{Parse, ParseStream},
    visit_mut::VisitMut as _,
};

/// A function with its body.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    /// The signature as it is emitted: without the `mut` of its arguments.
    pub(crate) sig: Signature,
    /// The signature as it was written.
    pub(crate) written_sig: Signature,
    pub(crate) params: Vec<Param>,
    /// The bindings that were `mut`, with that word.
    pub(crate) mutable: Vec<(Ident, Token![mut])>,
    pub(crate) form: Form,
    /// The return type, of the future where there is one.
    pub(crate) output: Option<Type>,
    /// What the user wrote between the braces, braces included.
    pub(crate) body: Group,
    /// The whole body of the item; the same as `body` but for [`Form::Boxed`].
    pub(crate) outer_body: Group,
}

/// How the body runs.
pub(crate) enum Form {
    Sync,
    Async,
    /// Expanded by `#[async_trait]` before us: a function that returns `Box::pin(async move { .. })`.
    Boxed {
        /// `Box::pin`, as written.
        pin: Box<Expr>,
        /// Statements that bind the arguments anew, before the body.
        prelude: Vec<Stmt>,
        /// The name that stands for `self` in the body.
        receiver: Option<Ident>,
    },
}

/// One argument, without the receiver.
pub(crate) struct Param {
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
    pub(crate) bindings: Vec<Ident>,
}

impl Function {
    pub(crate) fn is_async(&self) -> bool {
        !matches!(self.form, Form::Sync)
    }

    /// All names that the arguments bind, in order.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = &Ident> {
        self.params.iter().flat_map(|param| &param.bindings)
    }
}

/// The item under the attribute, told apart as far as that is needed to say what is wrong with it.
pub(crate) enum Item {
    Function(Box<Function>),
    /// A trait method without a body; its name.
    Bodiless(Ident),
    /// Something else; its first word.
    Other(Option<TokenTree>),
}

/// Reads the item. `Err` only for a function that `syn` cannot read.
pub(crate) fn parse(item: TokenStream) -> syn::Result<Item> {
    match syn::parse2::<Raw>(item.clone()) {
        Ok(Raw { head, body: Some(body) }) => Ok(Item::Function(Box::new(function(head, body)))),
        Ok(Raw { head, body: None }) => Ok(Item::Bodiless(head.sig.ident)),
        Err(error) => {
            let is_function = item.clone().into_iter().any(|token| matches!(&token, TokenTree::Ident(word) if word == "fn"))
                && !item.clone().into_iter().any(|token| {
                    matches!(&token, TokenTree::Ident(word)
                        if ["struct", "enum", "union", "impl", "mod", "trait", "type", "static", "use"].iter().any(|other| word == other))
                });
            if is_function { Err(error) } else { Ok(Item::Other(first_word(item))) }
        }
    }
}

/// The first token that is not part of an attribute or a visibility.
fn first_word(item: TokenStream) -> Option<TokenTree> {
    let mut tokens = item.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next();
            }
            TokenTree::Ident(word) if word == "pub" => {
                tokens.next_if(|next| matches!(next, TokenTree::Group(_)));
            }
            _ => return Some(token),
        }
    }
    None
}

struct Head {
    attrs: Vec<Attribute>,
    vis: Visibility,
    defaultness: Option<Token![default]>,
    sig: Signature,
}

struct Raw {
    head: Head,
    body: Option<Group>,
}

impl Parse for Raw {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let defaultness = input.parse()?;
        let sig = input.parse()?;
        let head = Head { attrs, vis, defaultness, sig };
        if input.parse::<Option<Token![;]>>()?.is_some() {
            return Ok(Self { head, body: None });
        }
        let TokenTree::Group(body) = input.parse()? else {
            return Err(input.error("the body was expected here"));
        };
        Ok(Self { head, body: Some(body) })
    }
}

fn function(head: Head, body: Group) -> Function {
    let Head { mut attrs, vis, defaultness, sig: written_sig } = head;
    let outer_body = body;
    let mut body = outer_body.clone();
    let mut form = if written_sig.asyncness.is_some() { Form::Async } else { Form::Sync };
    let mut output = match &written_sig.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some((**ty).clone()),
    };
    if let Form::Sync = form
        && let Some(future) = output.as_ref().and_then(boxed_output)
        && let Some(boxed) = boxed_body(&outer_body)
    {
        output = Some(future);
        (form, body) =
            (Form::Boxed { pin: boxed.pin, prelude: boxed.prelude, receiver: boxed.receiver }, boxed.body);
    }
    lift_inner_attributes(&mut attrs, &mut body);

    let mut sig = written_sig.clone();
    let mut mutable = Mutable { found: Vec::new() };
    for input in &mut sig.inputs {
        if let FnArg::Typed(typed) = input {
            mutable.visit_pat_mut(&mut typed.pat);
        }
    }
    let mut params: Vec<Param> = sig
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(typed) => Some(Param::new((*typed.pat).clone(), (*typed.ty).clone())),
            FnArg::Receiver(_) => None,
        })
        .collect();
    if let Form::Boxed { prelude, .. } = &mut form {
        let first = usize::from(sig.receiver().is_some());
        for stmt in prelude.iter_mut() {
            let Stmt::Local(local) = stmt else { continue };
            mutable.visit_pat_mut(&mut local.pat);
            let from = local.init.as_ref().and_then(|init| positional(&init.expr));
            if let Some(param) = from.and_then(|at| params.get_mut(at.saturating_sub(first))) {
                *param = Param::new(local.pat.clone(), param.ty.clone());
            }
        }
    }
    Function {
        attrs,
        vis,
        defaultness,
        sig,
        written_sig,
        params,
        mutable: mutable.found,
        form,
        output,
        body,
        outer_body,
    }
}

impl Param {
    fn new(pat: Pat, ty: Type) -> Self {
        let mut bindings = Vec::new();
        bind(&pat, &mut bindings);
        Self { pat, ty, bindings }
    }
}

/// The names that a pattern binds.
pub(crate) fn bind(pat: &Pat, found: &mut Vec<Ident>) {
    match pat {
        Pat::Ident(ident) => {
            found.push(ident.ident.clone());
            if let Some((_, inner)) = &ident.subpat {
                bind(inner, found);
            }
        }
        // Each side of `|` binds the same names.
        Pat::Or(or) => or.cases.iter().take(1).for_each(|case| bind(case, found)),
        Pat::Paren(paren) => bind(&paren.pat, found),
        Pat::Reference(reference) => bind(&reference.pat, found),
        Pat::Slice(slice) => slice.elems.iter().for_each(|elem| bind(elem, found)),
        Pat::Struct(fields) => fields.fields.iter().for_each(|field| bind(&field.pat, found)),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|elem| bind(elem, found)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|elem| bind(elem, found)),
        Pat::Type(typed) => bind(&typed.pat, found),
        _ => {}
    }
}

/// Takes `mut` from bindings and remembers how to bind them again.
///
/// The compiler's lints are wrong about a `mut` argument that only a block captures, so the argument
/// loses its `mut`, and the block begins with `let mut x = x;`.
struct Mutable {
    found: Vec<(Ident, Token![mut])>,
}

impl syn::visit_mut::VisitMut for Mutable {
    fn visit_pat_ident_mut(&mut self, pat: &mut syn::PatIdent) {
        if pat.by_ref.is_none()
            && pat.ident != "__self"
            && let Some(mutability) = pat.mutability.take()
        {
            self.found.push((pat.ident.clone(), mutability));
        }
        syn::visit_mut::visit_pat_ident_mut(self, pat);
    }

    // A pattern holds no expression of interest.
    fn visit_expr_mut(&mut self, _: &mut Expr) {}
}

/// `#![..]` at the head of a body becomes an attribute of the function: a block inside cannot hold it.
fn lift_inner_attributes(attrs: &mut Vec<Attribute>, body: &mut Group) {
    let read = |input: ParseStream<'_>| {
        let inner = input.call(Attribute::parse_inner)?;
        let rest: TokenStream = input.parse()?;
        Ok((inner, rest))
    };
    if let Ok((inner, rest)) = syn::parse::Parser::parse2(read, body.stream())
        && !inner.is_empty()
    {
        attrs.extend(inner.into_iter().map(|mut attr| {
            attr.style = syn::AttrStyle::Outer;
            attr
        }));
        let mut without = Group::new(body.delimiter(), rest);
        without.set_span(body.span());
        *body = without;
    }
}

/// `R` of `Pin<Box<dyn Future<Output = R> + ..>>`.
fn boxed_output(ty: &Type) -> Option<Type> {
    let boxed = only_argument(ty, "Pin")?;
    let Type::TraitObject(object) = only_argument(boxed, "Box")? else { return None };
    object.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let last = bound.path.segments.last().filter(|segment| segment.ident == "Future")?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(assoc) if assoc.ident == "Output" => Some(assoc.ty.clone()),
            _ => None,
        })
    })
}

/// `T` of `name<T>`.
pub(crate) fn only_argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

struct BoxedBody {
    pin: Box<Expr>,
    prelude: Vec<Stmt>,
    receiver: Option<Ident>,
    body: Group,
}

/// Takes `Box::pin(async move { .. })` apart.
fn boxed_body(body: &Group) -> Option<BoxedBody> {
    let block: Block = syn::parse2(body.to_token_stream()).ok()?;
    let [Stmt::Expr(Expr::Call(call), None)] = block.stmts.as_slice() else { return None };
    let [Expr::Async(future)] = &call.args.iter().collect::<Vec<_>>()[..] else { return None };
    let Expr::Path(pin) = &*call.func else { return None };
    if pin.path.segments.last()?.ident != "pin" {
        return None;
    }
    let pin = call.func.clone();
    Some(match bound_anew(future) {
        Some((prelude, body)) => {
            let receiver = prelude.iter().find_map(receiver_of);
            BoxedBody { pin, prelude, receiver, body }
        }
        None => {
            let mut group = Group::new(proc_macro2::Delimiter::Brace, statements(&future.block.stmts));
            group.set_span(future.block.brace_token.span.join());
            BoxedBody { pin, prelude: Vec::new(), receiver: None, body: group }
        }
    })
}

fn statements(stmts: &[Stmt]) -> TokenStream {
    quote!(#(#stmts)*)
}

/// The form that `#[async_trait]` gives a body: statements, `let __ret: R = { body };`, `__ret`.
fn bound_anew(future: &ExprAsync) -> Option<(Vec<Stmt>, Group)> {
    let [prelude @ .., Stmt::Local(result), Stmt::Expr(Expr::Path(tail), None)] =
        future.block.stmts.as_slice()
    else {
        return None;
    };
    let Pat::Type(typed) = &result.pat else { return None };
    let Pat::Ident(name) = &*typed.pat else { return None };
    if !tail.path.is_ident(&name.ident) || name.ident != "__ret" {
        return None;
    }
    let Expr::Block(block) = &*result.init.as_ref()?.expr else { return None };
    let mut group = Group::new(proc_macro2::Delimiter::Brace, statements(&block.block.stmts));
    group.set_span(block.block.brace_token.span.join());
    // The first statement only fixes the type; ours does that too.
    let prelude = prelude.iter().filter(|stmt| matches!(stmt, Stmt::Local(_))).cloned().collect();
    Some((prelude, group))
}

/// `__self` of `let __self = self;`.
fn receiver_of(stmt: &Stmt) -> Option<Ident> {
    let Stmt::Local(local) = stmt else { return None };
    let Pat::Ident(name) = &local.pat else { return None };
    (name.ident == "__self").then(|| name.ident.clone())
}

/// `N` of `{ let __argN = __argN; __argN }`.
fn positional(expr: &Expr) -> Option<usize> {
    let Expr::Block(block) = expr else { return None };
    let [.., Stmt::Expr(Expr::Path(tail), None)] = block.block.stmts.as_slice() else { return None };
    tail.path.get_ident()?.to_string().strip_prefix("__arg")?.parse().ok()
}

/// Puts `with` where the tokens say `self`.
pub(crate) fn replace_self(tokens: TokenStream, with: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(word) if word == "self" => {
                let span = word.span();
                let mut replaced = with.clone();
                replaced.set_span(span.resolved_at(with.span()));
                TokenTree::Ident(replaced)
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), replace_self(group.stream(), with));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        })
        .collect()
}
