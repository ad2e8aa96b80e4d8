use proptest::prelude::*;

use super::*;

fn uid(kind: &str, id: &str) -> Uid {
    Uid { kind: kind.to_owned(), id: id.to_owned() }
}

fn statement(condition: Expr) -> Statement {
    Statement {
        permits: true,
        principal: Some("AgentCore::OAuthUser".to_owned()),
        actions: vec![uid("AgentCore::Action", "a___b")],
        resource: Scope::Same(uid("AgentCore::Gateway", "arn:x")),
        condition: Some(condition),
    }
}

#[test]
fn what_is_printed_is_read_back() {
    let condition = Expr::All(vec![
        Expr::Context.has("claim_act"),
        Expr::Context.attribute("claim_act").has("sub"),
        Expr::texts(["a", "b"]).contains(Expr::Context.attribute("claim_act").attribute("sub")),
        Expr::Any(vec![
            Expr::Principal.tag("x y").same(Expr::text("v")),
            Expr::Principal.tag("x").like([Piece::Text("[\"*\",".to_owned()), Piece::Any, Piece::Text("]".to_owned())]),
            Expr::AtMost(Box::new(Expr::Context.attribute("n")), Box::new(Expr::Long(-3))),
            Expr::AtLeast(Box::new(Expr::Context.attribute("n")), Box::new(Expr::Long(4))),
            Expr::Context.attribute("a").differs(Expr::Set(Vec::new())),
        ]),
        Expr::Set(vec![Expr::Entity(uid("Tool", "t"))]).contains(Expr::Resource).not(),
    ]);
    let printed = statement(condition.clone()).print().unwrap();
    assert_eq!(Statement::parse(&printed).unwrap(), statement(condition), "{printed}");
}

#[test]
fn what_has_no_form_is_refused() {
    for text in [
        "@id(\"x\") permit(principal, action, resource);",
        "permit(principal == A::\"x\", action, resource);",
        "permit(principal, action, resource is A in B::\"x\");",
        "permit(principal, action, resource) unless { context.a };",
        "permit(principal, action, resource) when { context.a } when { context.b };",
        "permit(principal, action, resource) when { if context.a then context.b else context.c };",
        "permit(principal, action, resource) when { context.a < 3 };",
        "permit(principal, action, resource) when { context.a.containsAny([1]) };",
        "permit(principal, action, resource) when { context has a.b };",
        "permit(principal, action, resource);permit(principal, action, resource);",
    ] {
        assert!(Statement::parse(text).is_err(), "{text}");
    }
}

#[test]
fn long_lists_are_printed_and_read() {
    let parts: Vec<Expr> = (0..2000).map(|n| Expr::Context.attribute("a").same(Expr::Long(n))).collect();
    let printed = statement(Expr::Any(parts.clone())).print().unwrap();
    assert_eq!(Statement::parse(&printed).unwrap().condition, Some(Expr::Any(parts)));
}

proptest! {
    #[test]
    fn no_text_breaks_out(text in "\\PC{0,24}", hostile in prop::sample::select(vec![
        "\"); permit(principal, action, resource); //", "\u{202e}x", "*/", "\\", "\"", "\n", "\u{1f642}", "*", "\u{0}",
    ])) {
        let value = format!("{text}{hostile}{text}");
        let condition = Expr::All(vec![
            Expr::Context.attribute(value.clone()).same(Expr::text(value.clone())),
            Expr::Principal.tag(value.clone()).like([Piece::Text(value.clone()), Piece::Any]),
            Expr::Entity(uid("Tool", &value)).same(Expr::Resource),
        ]);
        let printed = statement(condition.clone()).print().unwrap();
        prop_assert_eq!(Statement::parse(&printed).unwrap().condition, Some(condition));
    }
}
