//! The page's headers, and what its files must not hold.

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::*;

async fn answer(path: &str, tag: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path);
    if let Some(tag) = tag {
        request = request.header(header::IF_NONE_MATCH, tag);
    }
    let request = request.body(Body::empty()).unwrap();
    let service = TowerToHyperService::new(router::<()>());
    service.call(request).await.unwrap()
}

fn header_of<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn every_file_comes_with_its_type_and_the_strict_headers() {
    for file in FILES {
        let response = answer(file.path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{}", file.path);
        assert_eq!(header_of(&response, "content-type"), file.kind);
        let expected = [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                 img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-cache"),
        ];
        for (name, value) in expected {
            assert_eq!(header_of(&response, name), value, "{}", file.path);
        }
        let length: u64 = axum::body::HttpBody::size_hint(response.body())
            .exact()
            .unwrap();
        assert_eq!(length, file.text.len() as u64);
    }
}

#[tokio::test]
async fn what_the_reader_has_is_not_sent_again() {
    let first = answer("/", None).await;
    let tag = header_of(&first, "etag").to_owned();
    for known in [tag.clone(), format!("\"other\", W/{tag}")] {
        let again = answer("/", Some(&known)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header_of(&again, "etag"), tag);
        assert!(again.headers().contains_key("content-security-policy"));
    }
    let other = answer("/", Some("\"0123456789abcdef\"")).await;
    assert_eq!(other.status(), StatusCode::OK);
    assert_ne!(
        header_of(&answer("/dashboard.css", None).await, "etag"),
        tag
    );
}

#[tokio::test]
async fn nothing_else_is_answered() {
    for path in [
        "/dashboard",
        "/dashboard/",
        "/dashboard/mod.rs",
        "/dashboard/../mod.rs",
    ] {
        assert_eq!(
            answer(path, None).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[test]
fn nothing_comes_from_outside() {
    for file in FILES {
        // The name of SVG's language is an address too, and nobody goes there.
        let text = file.text.replace("http://www.w3.org/2000/svg", "");
        for outside in [
            "http:",
            "https:",
            "src=\"//",
            "href=\"//",
            "url(",
            "@import",
        ] {
            assert!(!text.contains(outside), "{} has {outside}", file.path);
        }
    }
}

#[test]
fn the_page_has_no_inline_code_or_style() {
    let page = FILES[0].text;
    let tags: Vec<&str> = page.split('<').skip(1).collect();
    for tag in tags {
        let tag = tag.split('>').next().unwrap();
        assert!(!tag.starts_with("style"), "<{tag}>");
        assert!(
            !tag.starts_with("script") || tag.contains(" src="),
            "<{tag}>"
        );
        for attribute in tag.split_whitespace().skip(1) {
            assert!(!attribute.starts_with("on"), "<{tag}>");
            assert!(!attribute.starts_with("style"), "<{tag}>");
            assert!(!attribute.contains("javascript:"), "<{tag}>");
        }
    }
}

#[test]
fn no_script_makes_markup_out_of_text() {
    for file in FILES.iter().filter(|file| file.kind == SCRIPT) {
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "setHTML",
            "eval(",
            "new Function",
            "'style'",
            "\"style\"",
        ] {
            assert!(!file.text.contains(way), "{} has {way}", file.path);
        }
    }
}

#[test]
fn every_module_that_is_there_is_served_and_every_import_is_found() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".js") {
            let path = format!("/dashboard/{name}");
            assert!(FILES.iter().any(|file| file.path == path), "{path}");
        }
    }
    for file in FILES.iter().filter(|file| file.kind == SCRIPT) {
        for import in file.text.split(" from './").skip(1) {
            let path = format!("/dashboard/{}", import.split('\'').next().unwrap());
            assert!(FILES.iter().any(|file| file.path == path), "{path}");
        }
    }
}
