//! The bytes of a label: small, but whole files that a viewer opens. Every format has the same lines of text in it, so that
//! a test finds a tracking number in the bytes.

/// Pixels of a drawn label: one column for each bit of its text, so many rows.
const ROWS: usize = 32;

/// Most pixels between two clear codes of a GIF, so that its codes never grow past eight bits.
const GIF_RUN: usize = 120;

/// The most bytes in a block of a GIF and of a stored block of zlib.
const GIF_BLOCK: usize = 255;
const ZLIB_BLOCK: usize = 65_535;

/// A label on 4 × 6 inch, one page for each list of lines.
pub(crate) fn pdf(pages: &[Vec<String>]) -> Vec<u8> {
    let first_page = 4;
    let kids: Vec<String> = (0..pages.len()).map(|i| format!("{} 0 R", first_page + 2 * i)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    for (i, lines) in pages.iter().enumerate() {
        let shown: Vec<String> = lines.iter().map(|line| format!("({}) Tj T*\n", escaped(line))).collect();
        let shown = shown.concat();
        let stream = format!("BT /F1 12 Tf 16 TL 18 400 Td\n{shown}ET");
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
            first_page + 1 + 2 * i
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()));
    }
    let (mut file, mut places) = ("%PDF-1.4\n".to_owned(), String::new());
    for (i, object) in objects.iter().enumerate() {
        places.extend([format!("{:010} 00000 n \n", file.len())]);
        file.extend([format!("{} 0 obj\n{object}\nendobj\n", i + 1)]);
    }
    let (start, size) = (file.len(), objects.len() + 1);
    file.extend([format!("xref\n0 {size}\n0000000000 65535 f \n{places}")]);
    file.extend([format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n")]);
    file.into_bytes()
}

/// Text in a PDF is in parentheses, and only plain letters have the same bytes in every encoding.
fn escaped(line: &str) -> String {
    let plain = line.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' });
    plain.flat_map(|c| ["(", ")", "\\"].concat().contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A drawing, with the text in a comment.
pub(crate) fn png(lines: &[String]) -> Vec<u8> {
    let text = lines.join("\n");
    let row: Vec<u8> = bits(&text).map(|black| if black { 0 } else { 255 }).collect();
    let mut header = Vec::new();
    header.extend(four(row.len()));
    header.extend(four(ROWS));
    header.extend([8, 0, 0, 0, 0]); // eight bits of grey
    let filtered: Vec<u8> = [0].into_iter().chain(row).collect();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(*b"IHDR", &header));
    file.extend(chunk(*b"tEXt", format!("Comment\0{text}").as_bytes()));
    file.extend(chunk(*b"IDAT", &stored(&filtered.repeat(ROWS))));
    file.extend(chunk(*b"IEND", &[]));
    file
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let named: Vec<u8> = kind.iter().chain(data).copied().collect();
    [four(data.len()).to_vec(), named.clone(), crc32(&named).to_be_bytes().to_vec()].concat()
}

/// Data in the frame of zlib, not compressed.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = data.chunks(ZLIB_BLOCK).collect();
    for (i, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(i + 1 == blocks.len()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(*block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}

/// A drawing in black and white, with the text in a comment.
pub(crate) fn gif(lines: &[String]) -> Vec<u8> {
    let text = lines.join("\n");
    let row: Vec<u8> = bits(&text).map(|black| u8::from(!black)).collect();
    let mut file = b"GIF89a".to_vec();
    file.extend(two(row.len()));
    file.extend(two(ROWS));
    file.extend([0xF6, 0, 0]); // a table of 128 colours, of which two are used
    file.extend([0, 0, 0, 255, 255, 255]);
    file.extend([0; 126 * 3]);
    file.extend([0x21, 0xFE]);
    file.extend(blocks(text.as_bytes()));
    file.extend([0x2C, 0, 0, 0, 0]);
    file.extend(two(row.len()));
    file.extend(two(ROWS));
    file.extend([0, 7]);
    let (clear, end) = (128, 129);
    let mut codes = Vec::new();
    for run in row.repeat(ROWS).chunks(GIF_RUN) {
        codes.push(clear);
        codes.extend(run);
    }
    codes.push(end);
    file.extend(blocks(&codes));
    file.push(0x3B);
    file
}

fn blocks(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for block in data.chunks(GIF_BLOCK) {
        out.push(u8::try_from(block.len()).unwrap_or(u8::MAX));
        out.extend(block);
    }
    out.push(0);
    out
}

/// The text as commands for a ZPL printer.
pub(crate) fn zpl(lines: &[String]) -> Vec<u8> {
    let fields = (0..).zip(lines).map(|(i, line)| format!("^FO30,{}^FD{line}^FS\n", 30 + 40 * i));
    format!("^XA\n{}^XZ\n", fields.collect::<Vec<_>>().concat()).into_bytes()
}

/// The text as commands for an EPL2 printer.
pub(crate) fn epl(lines: &[String]) -> Vec<u8> {
    let field = |(i, line): (usize, &String)| format!("A30,{},0,3,1,1,N,\"{}\"\n", 30 + 40 * i, line.replace('"', "'"));
    format!("N\n{}P1\n", lines.iter().enumerate().map(field).collect::<Vec<_>>().concat()).into_bytes()
}

fn bits(text: &str) -> impl Iterator<Item = bool> {
    text.as_bytes().iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1))
}

fn four(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}

fn two(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes()
}
