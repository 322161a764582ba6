//! Multipart bodies: strange boundaries, headers, ends of lines and ends of bodies.

use super::{Bodies, Body, NAME_PIECES, VALUE_PIECES};

impl Bodies {
    pub(crate) fn multipart(&mut self) -> Body {
        self.calm = !self.calm;
        let boundary = self.boundary();
        let content_type = self.multipart_type(&boundary);
        let mut bytes = Vec::new();
        if self.one_in(20) {
            bytes.extend_from_slice(
                self.pick(&["preamble\r\n", "\r\n", "\n", "--\r\n", " "])
                    .as_bytes(),
            );
        }
        for _ in 0..self.field_count() {
            bytes.extend_from_slice(format!("--{boundary}").as_bytes());
            bytes.extend_from_slice(self.line_end().as_bytes());
            self.part_head(&mut bytes);
            bytes.extend_from_slice(self.line_end().as_bytes());
            let content = self.plain(VALUE_PIECES, 4);
            bytes.extend_from_slice(content.as_bytes());
            if self.one_in(40) {
                let near = [
                    format!("\r\n--{boundary}x"),
                    format!("--{boundary}"),
                    format!("\n--{boundary}\r\n"),
                    format!("\r\n-{boundary}"),
                ];
                let near: Vec<&str> = near.iter().map(String::as_str).collect();
                bytes.extend_from_slice(self.pick(&near).as_bytes());
            }
            bytes.extend_from_slice(self.line_end().as_bytes());
        }
        bytes.extend_from_slice(format!("--{boundary}").as_bytes());
        bytes.extend_from_slice(match self.below(48) {
            0 => b"\r\n".as_slice(),
            1 => b"-",
            2 => b"--",
            3 => b"--\r\nepilogue",
            4 => b"",
            5 => b"-- \r\n",
            _ => b"--\r\n",
        });
        if self.one_in(16) {
            self.damage(&mut bytes);
        }
        Body {
            content_type,
            bytes,
        }
    }

    fn part_head(&mut self, bytes: &mut Vec<u8>) {
        if self.one_in(40) {
            let extra = [
                "X: y",
                "Content-Type: text/plain",
                "Content-Length: 3",
                "Content-Type: text/plain; charset=UTF-8",
                "X:",
                "garbage",
                " folded",
            ];
            bytes.extend_from_slice(self.pick(&extra).as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        let name = self.plain(NAME_PIECES, 4);
        bytes.extend_from_slice(self.disposition(&name).as_bytes());
        bytes.extend_from_slice(self.line_end().as_bytes());
        if self.one_in(40) {
            let extra = [
                "Content-Type: text/plain",
                "content-type: text/plain; charset=iso-8859-1",
                "Content-Transfer-Encoding: base64",
                "Content-Transfer-Encoding: 8bit",
                "Content-Disposition: form-data; name=\"b\"",
                " ; name=\"b\"",
                "Content-Type: multipart/mixed; boundary=z",
                "X-Content-Disposition: form-data; name=\"b\"",
            ];
            bytes.extend_from_slice(self.pick(&extra).as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
    }

    fn disposition(&mut self, name: &str) -> String {
        let quoted = if self.one_in(3) {
            name.replace('\\', "\\\\").replace('"', "\\\"")
        } else {
            name.to_owned()
        };
        match self.below(240) {
            0 => format!("content-disposition: form-data; name=\"{quoted}\""),
            1 => format!("CONTENT-DISPOSITION:form-data;name=\"{quoted}\""),
            2 => format!("Content-Disposition: form-data; name={name}"),
            3 => format!("Content-Disposition: form-data; name='{name}'"),
            4 => format!("Content-Disposition: form-data; name=\"{quoted}\"; name=\"b\""),
            5 => format!("Content-Disposition: form-data; filename=\"f\"; name=\"{quoted}\""),
            6 => format!("Content-Disposition: form-data; name=\"{quoted}\"; filename=\"\""),
            7 => format!("Content-Disposition: form-data; name=\"{quoted}\"; filename=f.txt"),
            8 => format!("Content-Disposition: form-data; name*=UTF-8''{name}"),
            9 => format!("Content-Disposition: attachment; name=\"{quoted}\""),
            10 => format!("Content-Disposition: form-data; xname=\"b\"; name=\"{quoted}\""),
            11 => format!("Content-Disposition: form-data; name=\"{quoted}"),
            12 => format!("Content-Disposition: form-data; name = \"{quoted}\""),
            13 => format!("Content-Disposition: form-data; NAME=\"{quoted}\""),
            14 => format!("Content-Disposition: form-data, name=\"{quoted}\""),
            15 => format!("Content-Disposition: form-data; name=\"b;{quoted}\"; x=\"y\""),
            16 => format!("Content-Disposition: form-data;\r\n name=\"{quoted}\""),
            17 => format!("Content-Disposition : form-data; name=\"{quoted}\""),
            18 => "Content-Disposition: form-data".to_owned(),
            19 => format!("Content-Disposition: form-data; name=\"{quoted}\"x"),
            20 => format!("Content-Disposition: form-data; name=\"b\" ; x=\"; name={quoted}\""),
            21 => format!("Content-Disposition: form-data; name=\"a\\{quoted}\""),
            22 => {
                format!("Content-Disposition: form-data; x='; name=\"b\"; y='; name=\"{quoted}\"")
            }
            23 => format!("Content-Disposition: form-data; name=a b; x=\"{quoted}\""),
            _ => format!("Content-Disposition: form-data; name=\"{quoted}\""),
        }
    }

    fn boundary(&mut self) -> String {
        let plain = [
            "x",
            "----WebKitFormBoundaryABC123",
            "--dio-boundary-1234567890",
            "------------------------d74496d66958873e",
            "a=b",
            "a:b",
            "boundary",
            "'x'",
            "x,y",
        ];
        match self.below(20) {
            0 => "y".repeat(70),
            1 => "y".repeat(71),
            2 => self.pick(&["a b", "'x'", "x,y"]).to_owned(),
            _ => self.pick(&plain).to_owned(),
        }
    }

    fn multipart_type(&mut self, boundary: &str) -> String {
        match self.below(120) {
            0 => format!("multipart/form-data; boundary=\"{boundary}\""),
            1 => format!("Multipart/Form-Data; Boundary={boundary}"),
            2 => format!("multipart/form-data; charset=utf-8; boundary={boundary}"),
            3 => format!("multipart/form-data; boundary={boundary}; charset=utf-8"),
            4 => format!("multipart/form-data; boundary={boundary}, text/plain"),
            5 => format!("multipart/form-data; xboundary=zzz; boundary={boundary}"),
            6 => format!("multipart/form-data; x=\"boundary=zzz\"; boundary={boundary}"),
            7 => format!("multipart/form-data; boundary={boundary}; boundary=zzz"),
            8 => format!("multipart/form-data; boundary=zzz; boundary={boundary}"),
            9 => format!("multipart/form-data; boundary=\"{boundary}"),
            10 => format!("multipart/form-data, boundary={boundary}"),
            11 => format!("multipart/form-data; boundary = {boundary}"),
            12 => format!("multipart/form-data; boundary=\"\\{boundary}\""),
            13 => "multipart/form-data".to_owned(),
            14 => format!("multipart/mixed; boundary={boundary}"),
            15 => format!("multipart/form-data boundary={boundary}"),
            16 => format!("multipart/form-data; x=boundary; boundary={boundary}"),
            17 => format!("multipart/form-data; boundary*=UTF-8''{boundary}"),
            18 => format!("multipart/form-data;boundary={boundary};"),
            19 => format!("multipart/form-data; boundary=\"{boundary}\"; boundaryx=y"),
            20 => format!("multipart/form-data; boundary={boundary} ; x=y"),
            21 => format!("multipart/form-data; boundary=\"{boundary} \""),
            _ => format!("multipart/form-data; boundary={boundary}"),
        }
    }

    fn line_end(&mut self) -> &'static str {
        match self.below(400) {
            0 => "\n",
            1 => "\r",
            2 => "\r\n\r\n",
            3 => " \r\n",
            4 => "",
            _ => "\r\n",
        }
    }
}
