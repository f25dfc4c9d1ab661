//! The rules across arguments and function: one function a rule, the rule in the comment above it.

mod names;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::{
    GenericArgument, GenericParam, Generics, Pat, Safety, Type, WherePredicate, spanned::Spanned as _,
    visit::Visit,
};

use crate::{
    errors::Errors,
    key::{self, KeyExpr},
    model::{self, Model},
    texts,
};

/// Holds the operation against every rule.
pub(crate) fn all(model: &Model, errors: &Errors) {
    modifiers(model, errors);
    names::all(model, errors);
    methods_are_named(model, errors);
    arguments_can_be_compared(model, errors);
    result_carries_errors(model, errors);
    result_has_a_name(model, errors);
    result_is_owned(model, errors);
    arguments_show_the_result_type(model, errors);
    parameters_are_shown(model, errors);
    check_can_be_called(model, errors);
    check_or_rerun(model, errors);
}

// `const`, `unsafe`, `extern` and variadic functions cannot be operations.
fn modifiers(model: &Model, errors: &Errors) {
    let sig = &model.function.sig;
    if let Some(token) = &sig.constness {
        errors.push(token, texts::CONST_FN);
    }
    if let Safety::Unsafe(token) = &sig.safety {
        errors.push(token, texts::UNSAFE_FN);
    }
    if let Some(abi) = &sig.abi {
        errors.push(abi, texts::EXTERN_FN);
    }
    if let Some(variadic) = &sig.variadic {
        errors.push(variadic, texts::VARIADIC_FN);
    }
}

// Two impls have methods of one name: an operation that is a method says its own.
fn methods_are_named(model: &Model, errors: &Errors) {
    if model.args.name.written().is_some() {
        return;
    }
    let sig = &model.function.written_sig;
    let function = sig.ident.to_string();
    if let Some(receiver) = sig.receiver() {
        errors.push(receiver.self_token, texts::name_needed(&function, "this is a method"));
    } else if let Some(word) = key::idents(sig.to_token_stream()).into_iter().find(|word| word == "Self") {
        errors.push(word, texts::name_needed(&function, "its signature says `Self`"));
    }
}

// Floats and hash maps have no one canonical form.
fn arguments_can_be_compared(model: &Model, errors: &Errors) {
    for param in &model.function.params {
        uncomparable(&param.pat, &param.ty, &|name| model.counts(name), &mut |name, ty| {
            let word = ty.to_string();
            let text = match word.as_str() {
                "f32" | "f64" => texts::float(&name.to_string()),
                _ => texts::unordered(&name.to_string(), &word),
            };
            errors.push(ty, text);
        });
    }
}

fn is_uncomparable(model: &Model, param: &crate::function::Param) -> bool {
    let mut found = false;
    uncomparable(&param.pat, &param.ty, &|name| model.counts(name), &mut |_, _| found = true);
    found
}

/// Calls `tell` with a binding and the word in its type that cannot be compared.
fn uncomparable(pat: &Pat, ty: &Type, counts: &dyn Fn(&Ident) -> bool, tell: &mut dyn FnMut(&Ident, &Ident)) {
    if let (Pat::Tuple(tuple), Type::Tuple(types)) = (pat, ty)
        && tuple.elems.len() == types.elems.len()
        && !tuple.elems.iter().any(|elem| matches!(elem, Pat::Rest(_)))
    {
        for (elem, ty) in tuple.elems.iter().zip(&types.elems) {
            uncomparable(elem, ty, counts, tell);
        }
        return;
    }
    let mut names = Vec::new();
    crate::function::bind(pat, &mut names);
    let Some(name) = names.iter().find(|name| counts(name)) else { return };
    let mut finder = Uncomparable { found: None };
    finder.visit_type(ty);
    if let Some(word) = finder.found {
        tell(name, &word);
    }
}

struct Uncomparable {
    found: Option<Ident>,
}

impl<'ast> Visit<'ast> for Uncomparable {
    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        if ["f32", "f64", "HashMap", "HashSet"].iter().any(|word| segment.ident == word) {
            self.found.get_or_insert_with(|| segment.ident.clone());
        }
        syn::visit::visit_path_segment(self, segment);
    }

    // What a function or a closure takes and returns is no part of its value.
    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
    fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
}

// The return type is a `Result`, as far as that can be seen; the rest is for the bounds to say.
fn result_carries_errors(model: &Model, errors: &Errors) {
    const PLAIN: &[&str] = &[
        "bool", "char", "str", "String", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32",
        "i64", "i128", "isize", "f32", "f64", "Option", "Vec", "Box", "Arc", "Rc",
    ];
    let function = model.function.sig.ident.to_string();
    let Some(output) = &model.function.output else {
        errors.push(&model.function.sig.ident, texts::no_result(&function, None));
        return;
    };
    let plain = match output {
        Type::Tuple(_)
        | Type::Reference(_)
        | Type::Array(_)
        | Type::Slice(_)
        | Type::Ptr(_)
        | Type::Never(_) => true,
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| PLAIN.iter().any(|word| last.ident == word))
        }
        _ => false,
    };
    if plain {
        errors.push(output, texts::no_result(&function, Some(&key::text(output))));
    }
}

// What is recorded is read back by its type, so the type has a name.
fn result_has_a_name(model: &Model, errors: &Errors) {
    struct Finder<'a>(&'a Errors);
    impl<'ast> Visit<'ast> for Finder<'_> {
        fn visit_type_impl_trait(&mut self, node: &'ast syn::TypeImplTrait) {
            self.0.push(node, texts::RESULT_IMPL);
        }
    }
    if let Some(output) = &model.function.output {
        Finder(errors).visit_type(output);
    }
}

// What is read back from a store cannot borrow from the caller.
fn result_is_owned(model: &Model, errors: &Errors) {
    struct Finder<'a>(&'a Errors);
    impl<'ast> Visit<'ast> for Finder<'_> {
        fn visit_type_reference(&mut self, node: &'ast syn::TypeReference) {
            let owned = match &*node.elem {
                Type::Path(path) if path.path.is_ident("str") => "a `String`".to_owned(),
                Type::Slice(slice) => format!("a `Vec<{}>`", key::text(&slice.elem)),
                other => format!("`{}`", key::text(other)),
            };
            self.0.push(node, texts::result_borrowed(&owned));
        }

        fn visit_generic_argument(&mut self, node: &'ast GenericArgument) {
            if let GenericArgument::Lifetime(lifetime) = node
                && lifetime.ident != "static"
            {
                self.0.push(lifetime, texts::result_borrowed(&format!("a type without `{lifetime}`")));
            }
            syn::visit::visit_generic_argument(self, node);
        }
    }
    if let Some(output) = &model.function.output
        && !matches!(output, Type::Reference(_))
    {
        Finder(errors).visit_type(model::ok_type(output));
    }
}

// A type that only the result knows cannot be told from the arguments: a record of `A` would be read as `B`.
fn arguments_show_the_result_type(model: &Model, errors: &Errors) {
    let sig = &model.function.sig;
    let in_arguments = key::idents(sig.inputs.to_token_stream());
    for param in &sig.generics.params {
        if let GenericParam::Type(param) = param
            && model.type_params.contains(&param.ident)
            && !in_arguments.contains(&param.ident)
        {
            errors.push(&param.ident, texts::result_generic(&param.ident.to_string()));
        }
    }
}

// A type or constant that is in no argument, in the key or in the result makes no difference to the key: two calls that
// differ in nothing else would be one.
fn parameters_are_shown(model: &Model, errors: &Errors) {
    let generics = &model.function.sig.generics;
    let mut shown = key::idents(model.function.sig.inputs.to_token_stream());
    // A recorded type has its own rule, and how a caller wants its errors makes no difference to the call.
    shown.extend(key::idents(model.function.output.to_token_stream()));
    let key = model.args.key.get().map(|key| match key {
        KeyExpr::Parts { whole, .. } => whole.to_token_stream(),
        KeyExpr::All(_) => TokenStream::new(),
    });
    shown.extend(key.into_iter().flat_map(key::idents));
    shown.extend(key::idents(model.args.scope.get().to_token_stream()));
    for param in &generics.params {
        let (name, example) = match param {
            GenericParam::Type(param) => (&param.ident, format!("{}::NAME", param.ident)),
            GenericParam::Const(param) => (&param.ident, param.ident.to_string()),
            GenericParam::Lifetime(_) => continue,
        };
        if !shown.contains(name) && !bounds_name(generics, name) {
            errors.push(name, texts::parameter_unseen(&name.to_string(), &example));
        }
    }
}

/// Whether what is said of other types names this parameter: they may decide it.
fn bounds_name(generics: &Generics, name: &Ident) -> bool {
    let of_params = generics.params.iter().any(|param| match param {
        GenericParam::Type(param) => {
            param.ident != *name && key::idents(param.bounds.to_token_stream()).contains(name)
        }
        _ => false,
    });
    of_params
        || generics.where_clause.iter().flat_map(|clause| &clause.predicates).any(|predicate| match predicate {
            WherePredicate::Type(of)
                if matches!(&of.bounded_ty, Type::Path(path) if path.path.is_ident(name)) =>
            {
                false
            }
            predicate => key::idents(predicate.to_token_stream()).contains(name),
        })
}

// `check` gets the same arguments, so each has to be there as a whole.
fn check_can_be_called(model: &Model, errors: &Errors) {
    if model.args.check.get().is_none() {
        return;
    }
    for param in &model.function.params {
        if model::rebuilt(param).is_none() {
            errors.keep(syn::Error::new(param.pat.span(), texts::check_pattern(&key::text(&param.pat))));
        }
    }
}

// `check` and `rerun` are two answers to one question.
fn check_or_rerun(model: &Model, errors: &Errors) {
    if let (Some(_), Some(rerun)) = (model.args.check.written(), model.args.rerun.written()) {
        errors.push(rerun, texts::CHECK_AND_RERUN);
    }
}
