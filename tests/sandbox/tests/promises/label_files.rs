//! Labels are files that a printer or a reader can open.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sandbox::Vendor;
use serde_json::json;

use crate::caller::START_MS;
use crate::carriers::{Caller, REFERENCE, bought, sandbox, shipment};

#[test]
fn labels_are_whole_files_with_the_number_and_the_reference_in_them() {
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for (carrier, pointer, values) in [
        (Vendor::FedEx, "/requestedShipment/labelSpecification/imageType", &["PDF", "PNG", "ZPLII", "EPL2"][..]),
        (Vendor::Ups, "/ShipmentRequest/LabelSpecification/LabelImageFormat/Code", &["GIF", "ZPL", "EPL"]),
        (Vendor::Dhl, "/outputImageProperties/encodingFormat", &["pdf", "zpl", "epl"]),
    ] {
        for value in values {
            let mut sandbox = sandbox();
            let caller = Caller::new(&mut sandbox, carrier);
            let mut body = shipment(carrier);
            *body.pointer_mut(pointer).unwrap() = json!(value);
            let sold = caller.ship(&mut sandbox, START_MS, &body);
            let encoded = ["/output/transactionShipments/0/pieceResponses/0/packageDocuments/0/encodedLabel"]
                .into_iter()
                .chain(["/ShipmentResponse/ShipmentResults/PackageResults/0/ShippingLabel/GraphicImage"])
                .chain(["/documents/0/content"])
                .find_map(|pointer| sold.json.pointer(pointer));
            let bytes = STANDARD.decode(encoded.unwrap().as_str().unwrap()).unwrap();
            let piece = &bought(&sandbox, carrier)[0].pieces[0];
            assert_eq!(bytes, piece.label);
            assert!(has(&bytes, &piece.tracking_number) && has(&bytes, REFERENCE), "{carrier:?} {value}");
            match *value {
                "PDF" | "pdf" => check_pdf(&bytes),
                "PNG" => check_png(&bytes),
                "GIF" => check_gif(&bytes),
                "ZPLII" | "ZPL" | "zpl" => assert!(bytes.starts_with(b"^XA") && bytes.ends_with(b"^XZ\n")),
                _ => assert!(bytes.starts_with(b"N\n") && bytes.ends_with(b"P1\n")),
            }
        }
    }
}

/// The table of a PDF says where its objects are.
fn check_pdf(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.starts_with("%PDF-1.4\n") && text.ends_with("%%EOF\n"));
    let start: usize = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
    let table: Vec<&str> = text[start..].lines().collect();
    assert_eq!(table[0], "xref");
    let count: usize = table[1].strip_prefix("0 ").unwrap().parse().unwrap();
    for object in 1..count {
        let place: usize = table[2 + object][..10].parse().unwrap();
        assert!(text[place..].starts_with(&format!("{object} 0 obj\n")), "object {object}");
    }
    for stream in text.split("<< /Length ").skip(1) {
        let length: usize = stream.split(' ').next().unwrap().parse().unwrap();
        let start = stream.find("stream\n").unwrap() + "stream\n".len();
        assert!(stream[start + length..].starts_with("\nendstream"));
    }
}

/// Every chunk of a PNG is as long as it says, and the pixels are as many as the header says.
fn check_png(bytes: &[u8]) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut kinds, mut pixels) = (8, Vec::new(), 0);
    let (width, height) = (number(16), number(20));
    while at < bytes.len() {
        let (length, kind) = (number(at), &bytes[at + 4..at + 8]);
        kinds.push(kind);
        if kind == b"IDAT" {
            // Two bytes of zlib before, five of the one stored block, four of a checksum after.
            pixels = length - 2 - 5 - 4;
            assert_eq!(u16::from_le_bytes([bytes[at + 11], bytes[at + 12]]) as usize, pixels);
        }
        at += 12 + length;
    }
    assert_eq!((at, pixels), (bytes.len(), (width + 1) * height));
    assert_eq!(kinds, [&b"IHDR"[..], b"tEXt", b"IDAT", b"IEND"]);
}

/// The codes of a GIF are as many as its pixels, and those that clear and end.
fn check_gif(bytes: &[u8]) {
    assert!(bytes.starts_with(b"GIF89a") && bytes.ends_with(&[0, 0x3B]));
    let two = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize;
    let skip_blocks = |mut at: usize| {
        let mut data = Vec::new();
        while bytes[at] != 0 {
            let end = at + 1 + bytes[at] as usize;
            data.extend(&bytes[at + 1..end]);
            at = end;
        }
        (at + 1, data)
    };
    let (width, height) = (two(6), two(8));
    let after_colours = 13 + 128 * 3;
    assert_eq!(bytes[after_colours..after_colours + 2], [0x21, 0xFE]);
    let (image, _) = skip_blocks(after_colours + 2);
    assert_eq!((bytes[image], bytes[image + 10]), (0x2C, 7));
    let (end, codes) = skip_blocks(image + 11);
    assert_eq!(end + 1, bytes.len());
    assert_eq!(codes.iter().filter(|code| **code < 128).count(), width * height);
    assert_eq!((codes[0], codes.last()), (128, Some(&129)));
    assert!(codes.split(|code| *code == 128).all(|run| run.len() <= 126));
}
