use std::sync::Mutex;

use axum::{body::to_bytes, http::Request};

use super::*;

#[test]
fn a_path_has_one_spelling() {
    let tag = "0a".repeat(16);
    let tile = |level, n, width| Part::Tile { level, n, width };
    for (path, part) in [
        ("checkpoint", Part::Checkpoint),
        ("cosigned", Part::Cosigned),
        ("keys/000.json", Part::KeyChange(0)),
        ("tile/0/000", tile(0, 0, 256)),
        ("tile/2/x001/x234/067.p/1", tile(2, 1_234_067, 1)),
        ("tile/entries/x001/000", Part::Entries { n: 1_000, width: 256 }),
        ("tile/entries/999.p/255", Part::Entries { n: 999, width: 255 }),
    ] {
        assert_eq!(Asked::parse(path), Some(Asked { view: None, part: part.clone() }), "{path}");
        let of_view = Asked::parse(&format!("views/{tag}/{path}"));
        let expected = Asked { view: Some(tag.clone()), part: part.clone() };
        match part {
            Part::Cosigned | Part::KeyChange(_) => assert_eq!(of_view, None),
            _ => assert_eq!(of_view, Some(expected)),
        }
    }
}

#[test]
fn any_other_path_is_none() {
    let tag = "0a".repeat(16);
    for path in [
        "",
        "/",
        "checkpoint/",
        "Checkpoint",
        "checkpoint?",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/8/000",
        "tile/-1/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1/2",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x1/000",
        "tile/0/000/",
        "tile/0/../checkpoint",
        "../keys/log.key",
        "tile/0/%30%30%30",
        "tile/0/000.tmp",
        "tile/data/000",
        "tile/entries/",
        "keys/0.json",
        "keys/000",
        "keys/log.key",
        "keys/../000.json",
        "views/",
        "views//checkpoint",
        "views/acme/checkpoint",
        &format!("views/{}/checkpoint", tag.to_uppercase()),
        &format!("views/{tag}"),
        &format!("views/{tag}/views/{tag}/checkpoint"),
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        &"x".repeat(1_000),
        "tile/0/\u{ff10}00",
    ] {
        assert_eq!(Asked::parse(path), None, "{path}");
    }
}

/// Has everything, and remembers what it was asked for.
#[derive(Default)]
struct Everything(Mutex<Vec<Asked>>);

#[async_trait]
impl PublicLog for Everything {
    async fn part(&self, asked: &Asked) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.lock().unwrap().push(asked.clone());
        Ok((asked.part != Part::Cosigned).then(|| b"bytes".to_vec()))
    }
}

async fn get_it(path: &str, token: Option<&str>) -> (u16, String, usize) {
    let log = Arc::new(Everything::default());
    let files = LogFiles { log: log.clone(), token: Secret::new(b"operator".to_vec()) };
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    let uri = Request::get(path).body(()).unwrap().uri().clone();
    let response = serve(State(Arc::new(files)), uri, headers).await;
    let cache = response.headers().get(header::CACHE_CONTROL).map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    assert!(to_bytes(response.into_body(), 10_000).await.unwrap().len() > 3);
    let asked = log.0.lock().unwrap().len();
    (status, cache.unwrap_or_default(), asked)
}

#[tokio::test]
async fn hashes_are_for_everybody_and_what_happened_in_a_view_for_the_operator() {
    let view = format!("/log/views/{}", "0a".repeat(16));
    let for_ever = "public, max-age=31536000, immutable".to_owned();
    assert_eq!(get_it("/log/checkpoint", None).await, (200, "no-store".into(), 1));
    assert_eq!(get_it("/log/tile/entries/000", None).await, (200, for_ever.clone(), 1));
    assert_eq!(get_it(&format!("{view}/tile/0/000.p/7"), None).await, (200, for_ever, 1));
    let entries = format!("{view}/tile/entries/000");
    for token in [None, Some("operato"), Some("")] {
        let (status, _, asked) = get_it(&entries, token).await;
        assert_eq!((status, asked), (401, 0), "{token:?}");
    }
    assert_eq!(get_it(&entries, Some("operator")).await, (200, "private, no-store".into(), 1));
    assert_eq!(get_it("/log/cosigned", None).await.0, 404);
    assert_eq!(get_it("/log/tile/0/../../keys/log.key", None).await, (404, String::new(), 0));
}
