//! The files of the web client.

use reqwest::{
    Method, StatusCode,
    header::{ACCEPT_ENCODING, IF_NONE_MATCH},
};

use crate::{
    browser::Browser,
    dist::{SCRIPT, SCRIPT_BROTLI, SCRIPT_GZIP},
    world::World,
};

const PATH: &str = "/static/assets/site-1.js";

#[tokio::test]
async fn each_browser_gets_the_form_it_likes_best() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let mut browser = gateway.browser();
    for (accept, encoding, bytes) in [
        ("gzip, deflate, br, zstd", "br", SCRIPT_BROTLI),
        ("gzip", "gzip", SCRIPT_GZIP),
        ("br;q=0.2, gzip;q=0.9", "gzip", SCRIPT_GZIP),
        ("br;q=0, gzip;q=0", "", SCRIPT.as_bytes()),
        ("identity", "", SCRIPT.as_bytes()),
    ] {
        let request = browser
            .request(Method::GET, PATH)
            .header(ACCEPT_ENCODING, accept);
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-encoding"), encoding, "{accept}");
        assert_eq!(answer.bytes, bytes, "{accept}");
        assert_eq!(
            answer.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(answer.header("vary"), "Accept-Encoding");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        let length = answer.header("content-length").to_owned();
        assert_eq!(length, bytes.len().to_string());

        let etag = answer.header("etag").to_owned();
        let request = browser
            .request(Method::GET, PATH)
            .header(ACCEPT_ENCODING, accept)
            .header(IF_NONE_MATCH, &etag);
        let again = browser.send(request).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{accept}");
        assert!(again.bytes.is_empty());
        assert_eq!(again.header("etag"), etag);
        assert_eq!(again.header("vary"), "Accept-Encoding");
    }
}

#[tokio::test]
async fn a_file_without_compressed_forms_goes_as_it_is() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let mut browser = gateway.browser();
    let request = browser
        .request(Method::GET, "/static/assets/logo-1.svg")
        .header(ACCEPT_ENCODING, "br, gzip");
    let answer = browser.send(request).await;
    assert_eq!(answer.header("content-encoding"), "");
    assert_eq!(answer.header("content-type"), "image/svg+xml");
    assert!(answer.text().starts_with("<svg"));
    let icon = browser.get("/favicon.ico").await;
    assert_eq!(icon.status, StatusCode::FOUND);
    assert_eq!(icon.location(), "/static/assets/logo-1.svg");
}

async fn status_of(browser: &mut Browser, path: &str) -> StatusCode {
    browser.get(path).await.status
}

#[tokio::test]
async fn nothing_but_the_built_files_can_be_had() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let mut browser = gateway.browser();
    for path in [
        "/static/assets/nothing.js",
        "/static/assets/site-1.js.br",
        "/static/assets/..%2f.vite%2fmanifest.json",
        "/static/assets/%2e%2e/.vite/manifest.json",
        "/static/.vite/manifest.json",
        "/static/assets/%2fetc%2fpasswd",
        "/static/assets/site-1.js/",
        "/static/assets/%ff",
    ] {
        assert_eq!(
            status_of(&mut browser, path).await,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn they_may_be_elsewhere() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.static_files.url = Some("https://cdn.example/packtchat/".parse().unwrap());
    let gateway = World::start(settings).await;
    gateway.is_ready().await;
    let page = gateway.browser().get("/").await;
    for part in [
        "<link rel=\"stylesheet\" href=\"https://cdn.example/packtchat/assets/site-1.css\">",
        "<script type=\"module\" src=\"https://cdn.example/packtchat/assets/site-1.js\"></script>",
        "<img src=\"https://cdn.example/packtchat/assets/logo-1.svg\"",
    ] {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self' https://cdn.example;"),
        "{policy}"
    );
    assert!(
        policy.contains("style-src 'self' https://cdn.example;"),
        "{policy}"
    );
    // Pages that were loaded before the move still find their files here.
    assert_eq!(
        status_of(&mut gateway.browser(), PATH).await,
        StatusCode::OK
    );
}
