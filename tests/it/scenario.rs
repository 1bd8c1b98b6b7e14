//! A broker with two log dirs after a crash, eight of whose partitions are damaged, each in its own way: six have errors, two have indexes that
//! a broker rebuilds.

use std::fs;
use std::path::Path;

use crate::temp::Temp;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/kafka-4.3.1");

/// The damages, by the log dir that they are in: a case of `testdata` whose partition is copied.
const DISKS: [(&str, &[&str]); 2] = [
    (
        "disk1",
        &[
            "zero-page-512-mid",
            "index-missing-and-flip",
            "flip-crc-low",
            "segments",
        ],
    ),
    (
        "disk2",
        &[
            "flip-zstd-payload-last",
            "garbage-tail-61",
            "torn-tail",
            "index-ragged-mid",
            "timeindex-garbage-last",
        ],
    ),
];

/// Makes the log dirs `disk1` and `disk2`.
pub(crate) fn eight_damages(temp: &Temp) {
    for (nth, (disk, cases)) in DISKS.iter().enumerate() {
        for case in *cases {
            let files = Path::new(CASES).join(case).join("files");
            for entry in files.read_dir().unwrap() {
                let from = entry.unwrap().path();
                if !from.is_dir() {
                    continue;
                }
                let to = temp.path().join(disk).join(from.file_name().unwrap());
                fs::create_dir_all(&to).unwrap();
                for file in from.read_dir().unwrap() {
                    let file = file.unwrap().path();
                    fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
                }
            }
        }
        let id = ["RXJkd0tUTWVUbVdrcGRxdw", "c2Vjb25kX2Rpc2tfb25lMQ"][nth];
        let meta =
            format!("version=1\nnode.id=1\ncluster.id=4L6g3nShT-eMCtK--X86sw\ndirectory.id={id}\n");
        temp.file(format!("{disk}/meta.properties"), meta.as_bytes());
    }
}
