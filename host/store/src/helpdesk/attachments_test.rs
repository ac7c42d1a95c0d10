//! Files, each from permit to answer.

use portcullis_model::{error::ServiceError, helpdesk::*, scope::Within};

use super::{MAX_FILE, NewAttachment, SqliteHelpDesk, testing::*};

async fn new(desk: &SqliteHelpDesk, bytes: Vec<u8>) -> NewAttachment {
    let comment = desk.list("acme", OPEN, None).await.unwrap()[0].id.clone();
    let (name, content_type) = ("größe.bin".into(), "Application/Octet-Stream; x=y".into());
    NewAttachment { ticket: OPEN.into(), comment, name, content_type, bytes, scan: Scan::Unscanned }
}

#[tokio::test]
async fn the_seed_has_files_of_every_sort() {
    let (_dir, desk) = seeded().await;
    let files = desk.files("acme", files_of(OPEN)).await.unwrap();
    let kept = |file: &Attachment| (file.name.clone(), file.content_type.clone(), file.size);
    assert_eq!(kept(&files[0]), ("voucher.png".into(), "image/png".into(), 69));
    assert_eq!(kept(&files[2]), ("basket.csv".into(), "text/csv".into(), 58));
    assert!(desk.bytes("acme", &files[0], 0, 8).await.unwrap().starts_with(b"\x89PNG"));
    let scan = async |ticket: &str| desk.files("acme", files_of(ticket)).await.unwrap().pop().unwrap().scan;
    assert_eq!((scan("1012").await, scan("1071").await), (Scan::Unscanned, Scan::Infected));
    let statement = desk.files("acme", files_of("1046")).await.unwrap().remove(0);
    assert!(desk.bytes("acme", &statement, 0, 99).await.unwrap().starts_with(b"Card 4111 1111 1111 1111"));
    assert_eq!(desk.files("acme", files_of(CLOSED)).await, Ok(vec![]));
    assert_eq!(desk.files("other", files_of(OPEN)).await, Err(ServiceError::NotFound));
    assert_eq!(desk.stat("other", &files[0].id).await, Err(ServiceError::NotFound));
    assert_eq!(desk.bytes("other", &files[0], 0, 8).await, Err(ServiceError::NotFound));
}

#[tokio::test]
async fn types_and_pages_choose_among_a_tickets_files() {
    let (_dir, desk) = seeded().await;
    let all = desk.files("acme", files_of(OPEN)).await.unwrap();
    let types = async |types: &[&str]| {
        let types = types.iter().map(|text| (*text).to_owned()).collect();
        let files = desk.files("acme", ListAttachments { types, ..files_of(OPEN) }).await.unwrap();
        files.into_iter().map(|file| file.name).collect::<Vec<_>>()
    };
    assert_eq!(types(&["image/png"]).await, ["voucher.png"]);
    assert_eq!(types(&["TEXT/*"]).await, ["checkout-log.txt", "basket.csv"]);
    assert_eq!(types(&["text/csv", "image/*"]).await, ["voucher.png", "basket.csv"]);
    for none in [&[][..], &["text"], &["tex*"], &["*/*"], &["text/%"], &["*/csv"], &["application/*"]] {
        assert!(types(none).await.is_empty(), "{none:?}");
    }
    let page = ListAttachments { after: Some(all[0].id.clone()), most: 1, ..files_of(OPEN) };
    assert_eq!(desk.files("acme", page.clone()).await.unwrap(), all[1..2]);
    for bad in [ListAttachments { after: Some("x".into()), ..page.clone() }, ListAttachments { most: 0, ..page }] {
        assert!(matches!(desk.files("acme", bad).await, Err(ServiceError::Invalid(_))));
    }
}

#[tokio::test]
async fn stretches_of_a_long_file_are_its_bytes() {
    let (_dir, desk) = seeded().await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let id = desk.add_attachment(&tenant("acme"), new(&desk, bytes.clone()).await).await.unwrap();
    let file = desk.stat("acme", &id).await.unwrap();
    assert_eq!((file.size, file.content_type.as_str()), (200_000, "application/octet-stream"));
    for (offset, most) in
        [(0, 1), (65_535, 2), (65_536, 65_536), (1, 131_072), (131_071, 200_000), (199_999, 9), (0, u32::MAX)]
    {
        let end = (offset + most as usize).min(bytes.len());
        assert_eq!(
            desk.bytes("acme", &file, offset as u64, most).await.unwrap(),
            bytes[offset..end],
            "{offset} {most}"
        );
    }
    for (offset, most) in [(200_000, 1), (u64::MAX, u32::MAX), (5, 0)] {
        assert_eq!(desk.bytes("acme", &file, offset, most).await, Ok(vec![]));
    }
    let empty = desk.add_attachment(&tenant("acme"), new(&desk, vec![]).await).await.unwrap();
    let empty = desk.stat("acme", &empty).await.unwrap();
    assert_eq!(desk.bytes("acme", &empty, 0, 9).await, Ok(vec![]));
}

#[tokio::test]
async fn a_file_that_is_not_what_was_decided_on_is_not_read() {
    let (_dir, desk) = seeded().await;
    let id = desk.add_attachment(&tenant("acme"), new(&desk, b"something".to_vec()).await).await.unwrap();
    let file = desk.stat("acme", &id).await.unwrap();
    assert_eq!(desk.bytes("acme", &file, 0, 4).await.unwrap(), b"some");
    let others = [
        Attachment { size: 8, ..file.clone() },
        Attachment { scan: Scan::Clean, ..file.clone() },
        Attachment { content_type: "image/png".into(), ..file.clone() },
    ];
    for other in others {
        assert_eq!(desk.bytes("acme", &other, 0, 4).await, Err(ServiceError::NotFound));
    }
    desk.mark_scanned(&tenant("acme"), &id, Scan::Infected).await.unwrap();
    assert_eq!(desk.bytes("acme", &file, 0, 4).await, Err(ServiceError::NotFound));
    assert_eq!(desk.stat("acme", &id).await.unwrap().scan, Scan::Infected);
    assert_eq!(desk.mark_scanned(&tenant("other"), &id, Scan::Clean).await, Err(ServiceError::NotFound));
    assert_eq!(desk.stat("acme", &id).await.unwrap().scan, Scan::Infected);
}

#[tokio::test]
async fn what_arrives_has_limits() {
    let (_dir, desk) = seeded().await;
    let acme = tenant("acme");
    let good = new(&desk, b"x".to_vec()).await;
    let before = desk.whole("acme", OPEN).await.updated_at;
    let bad = [
        NewAttachment { name: String::new(), ..good.clone() },
        NewAttachment { name: "é".repeat(128), ..good.clone() },
        NewAttachment { name: "a\nb".into(), ..good.clone() },
        NewAttachment { name: "a\u{85}b".into(), ..good.clone() },
        NewAttachment { content_type: "text".into(), ..good.clone() },
        NewAttachment { bytes: vec![0; MAX_FILE + 1], ..good.clone() },
    ];
    for new in bad {
        assert!(matches!(desk.add_attachment(&acme, new).await, Err(ServiceError::Invalid(_))));
    }
    let elsewhere = desk.list("acme", "1006", None).await.unwrap()[0].id.clone();
    let closed = desk.list("acme", CLOSED, None).await.unwrap()[0].id.clone();
    let nowhere = [
        (NewAttachment { comment: elsewhere, ..good.clone() }, ServiceError::NotFound),
        (NewAttachment { comment: "1".into(), ..good.clone() }, ServiceError::NotFound),
        (NewAttachment { ticket: CLOSED.into(), comment: closed, ..good.clone() }, ServiceError::Conflict),
    ];
    for (new, error) in nowhere {
        assert_eq!(desk.add_attachment(&acme, new).await, Err(error));
    }
    assert_eq!(desk.add_attachment(&tenant("other"), good.clone()).await, Err(ServiceError::NotFound));
    assert_eq!(desk.whole("acme", OPEN).await.updated_at, before);
    let largest = NewAttachment { bytes: vec![7; MAX_FILE], name: "x".repeat(255), ..good };
    let id = desk.add_attachment(&acme, largest).await.unwrap();
    let file = desk.stat("acme", &id).await.unwrap();
    assert_eq!(desk.bytes("acme", &file, MAX_FILE as u64 - 3, 9).await, Ok(vec![7; 3]));
    assert!(desk.whole("acme", OPEN).await.updated_at > before);
    let whole = desk.bytes("acme", &file, 0, u32::MAX).await.unwrap();
    assert_eq!(whole.len(), 1024 * 1024, "no more than that at once");
    desk.remove("acme", OPEN, Within::everything()).await.unwrap();
    assert_eq!(desk.stat("acme", &id).await, Err(ServiceError::NotFound));
}
