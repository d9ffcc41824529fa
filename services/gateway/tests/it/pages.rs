//! Pages, error pages, and what every answer carries.

use gateway::settings::StaticSettings;
use lifecycle::Lifecycle;
use messaging::Amqp;
use reqwest::{Method, StatusCode};

use crate::world::World;

/// Is there anything that a strict Content-Security-Policy would not let run?
fn has_inline_code(text: &str) -> bool {
    let is_inline = |rest: &str| {
        let (tag, after) = rest.split_once('>').unwrap();
        !tag.starts_with(" type=\"module\" src=\"/") || !after.starts_with("</script>")
    };
    let is_handler = |word: &str| word.starts_with("on") && word.contains("=\"");
    text.contains("<style")
        || text.contains(" style=")
        || text.split("<script").skip(1).any(is_inline)
        || text.split_whitespace().any(is_handler)
}

#[tokio::test]
async fn pages_are_whole() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let cookie = world.signed_in("alice").await;
    let commit = concat!("build <code>", env!("PACKTCHAT_COMMIT"), "</code>");
    for (path, signed_in, title) in [
        ("/", false, "Chat in rooms, live · PacktChat"),
        ("/", true, "Chat in rooms, live · PacktChat"),
        ("/account/login", false, "Sign in · PacktChat"),
        ("/account/register", false, "Register · PacktChat"),
        ("/account/logout", true, "Sign out · PacktChat"),
        ("/account", true, "Your account · PacktChat"),
        ("/chat", true, "Chat · PacktChat"),
        ("/nowhere", false, "Not found · PacktChat"),
    ] {
        let mut browser = gateway.browser();
        if signed_in {
            browser = browser.with_session(&cookie);
        }
        let page = browser.get(path).await;
        let text = page.text();
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(
            text.starts_with("<!doctype html>\n<html lang=\"en\">"),
            "{path}"
        );
        assert!(
            text.contains(&format!("<title>{title}</title>")),
            "{path}: {text}"
        );
        assert!(text.contains("<link rel=\"stylesheet\" href=\"/static/assets/site-1.css\">"));
        assert!(text.contains("href=\"/static/assets/logo-1.svg\""));
        assert!(text.contains("<main id=\"main\" class=\"page"));
        assert!(text.contains(commit), "{path}");
        assert!(!has_inline_code(&text), "{path}: {text}");
    }
}

#[tokio::test]
async fn the_chat_page_loads_the_client() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let cookie = world.signed_in("alice").await;
    let text = gateway
        .browser()
        .with_session(&cookie)
        .get("/chat")
        .await
        .text();
    for part in [
        "<body class=\"chat-page\">",
        "<main id=\"main\" class=\"page page--chat\">",
        "<script type=\"module\" src=\"/static/assets/chat-1.js\"></script>",
        "<link rel=\"modulepreload\" href=\"/static/assets/shared-1.js\">",
        "<link rel=\"stylesheet\" href=\"/static/assets/shared-1.css\">",
        "<noscript>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn forms_tell_browsers_their_bounds() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.limits.username_max = 20;
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    let register = gateway.browser().get("/account/register").await.text();
    for part in [
        "autocomplete=\"username\"",
        "minlength=\"3\" maxlength=\"20\" pattern=\"[A-Za-z0-9_.\\-]+\"",
        "autocomplete=\"new-password\"",
        "aria-describedby=\"username-hint\"",
        "3 to 20 of the letters",
        "<label for=\"password\">",
    ] {
        assert!(register.contains(part), "{part} in {register}");
    }
    let login = gateway.browser().get("/account/login").await.text();
    assert!(login.contains("autocomplete=\"current-password\""));
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    for path in [
        "/nowhere",
        "/accounts",
        "/account/login/",
        "/static/",
        "/static/assets/",
        "/.env",
        "//x",
    ] {
        let page = gateway.browser().get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.text().contains("<h1>You seem lost</h1>"), "{path}");

        let document = gateway.browser().of_json().get(path).await;
        assert_eq!(document.status, StatusCode::NOT_FOUND);
        assert_eq!(document.header("content-type"), "application/problem+json");
        let problem = document.json();
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["title"], "Not Found");
        assert_eq!(problem["status"], 404);
        assert_eq!(problem["detail"], "You seem lost");
        assert_eq!(problem["request_id"], document.header("x-request-id"));
    }
}

#[tokio::test]
async fn wrong_methods_name_the_right_ones() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let mut browser = gateway.browser();
    for (method, path, allow) in [
        (Method::POST, "/", "GET, HEAD"),
        (Method::DELETE, "/account/login", "GET, HEAD, POST"),
        (Method::PUT, "/chat", "GET, HEAD"),
        (Method::POST, "/static/assets/site-1.js", "GET, HEAD"),
    ] {
        let request = browser.request(method.clone(), path);
        let answer = browser.send(request).await;
        assert_eq!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
        assert!(answer.text().contains("<h1>Method Not Allowed</h1>"));
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let mut browser = gateway.browser();
    for path in [
        "/",
        "/account/login",
        "/static/assets/site-1.js",
        "/robots.txt",
    ] {
        let get = browser.get(path).await;
        let request = browser.request(Method::HEAD, path);
        let head = browser.send(request).await;
        assert_eq!(head.status, StatusCode::OK);
        assert!(head.bytes.is_empty());
        assert_eq!(
            head.header("content-length"),
            get.header("content-length"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_keeps_the_id_it_came_with() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let mut browser = gateway.browser();
    let request = browser
        .request(Method::GET, "/")
        .header("x-request-id", "7F00:9C40_1.a");
    assert_eq!(
        browser.send(request).await.header("x-request-id"),
        "7F00:9C40_1.a"
    );
    let request = browser
        .request(Method::GET, "/")
        .header("x-request-id", "a b\"<x>");
    let id = browser
        .send(request)
        .await
        .header("x-request-id")
        .to_owned();
    assert_eq!(id.len(), 32, "{id}");
}

#[tokio::test]
async fn routes_are_where_they_are_configured() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.routes = serde_json::from_str(
        r#"{"index": "/home", "login": "/in", "register": "/join", "logout": "/out", "chat": "/talk", "static": "/s",
            "account": "/me", "password": "/me/secret", "auth": "/via"}"#,
    )
    .unwrap();
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    let mut browser = gateway.browser();
    assert_eq!(browser.get("/").await.status, StatusCode::NOT_FOUND);
    let home = browser.get("/home").await.text();
    for part in [
        "href=\"/home\"",
        "href=\"/in\"",
        "href=\"/join\"",
        "href=\"/s/assets/site-1.css\"",
    ] {
        assert!(home.contains(part), "{part} in {home}");
    }
    assert!(browser.get("/talk").await.leads_to("/in?next=%2Ftalk"));
    assert!(browser.get("/in").await.text().contains("action=\"/in\""));
    assert_eq!(
        browser.get("/s/assets/site-1.js").await.status,
        StatusCode::OK
    );
    let cookie = world.signed_in("alice").await;
    let signed_in = &mut gateway.browser().with_session(&cookie);
    assert!(signed_in.get("/me/secret").await.leads_to("/me"));
    assert!(signed_in.get("/via/google").await.leads_to("/talk"));
    assert!(signed_in.submit("/out", &[]).await.leads_to("/home"));
}

#[tokio::test]
async fn a_start_without_the_web_client_says_what_to_do() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.static_files = StaticSettings::new(world.dist.join("nowhere"));
    let amqp = Amqp::connect(&settings.amqp).unwrap();
    let Err(error) = gateway::startup::build(settings, amqp, &Lifecycle::new()).await else {
        panic!("started without the web client");
    };
    let text = format!("{error:#}");
    assert!(text.contains("PACKTCHAT__STATIC__DIR"), "{text}");
    assert!(text.contains("npm run build"), "{text}");
}
