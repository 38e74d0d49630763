//! Writers of tiny WAV and FLAC files: independent of the readers they test.
#![allow(dead_code)] // each test file uses its own part

/// A WAV with a 16-byte format chunk; `n_data` is what the header claims.
pub fn wav(format: u16, n_channels: u16, rate_hz: u32, bits: u16, data: &[u8], n_data: u32) -> Vec<u8> {
    let block = n_channels * bits.div_ceil(8);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(n_data.saturating_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    for half in [format, n_channels] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [rate_hz, rate_hz.wrapping_mul(u32::from(block))] {
        bytes.extend(word.to_le_bytes());
    }
    for half in [block, bits] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(b"data");
    bytes.extend(n_data.to_le_bytes());
    bytes.extend(data);
    bytes
}

/// A 16-bit mono WAV at 16 kHz.
pub fn plain_wav(samples: &[i16]) -> Vec<u8> {
    let data = pcm16(samples);
    wav(1, 1, 16_000, 16, &data, data.len() as u32)
}

/// A 16-bit stereo WAV at 16 kHz.
pub fn stereo_wav(frames: &[[i16; 2]]) -> Vec<u8> {
    let data = pcm16(frames.as_flattened());
    wav(1, 2, 16_000, 16, &data, data.len() as u32)
}

/// 16-bit little-endian bytes.
pub fn pcm16(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// A 16-bit mono FLAC of one verbatim frame (RFC 9639); an MD5 of zeros means "not computed".
pub fn flac(samples: &[i16], rate_hz: u32, n_declared: u64, md5: [u8; 16]) -> Vec<u8> {
    let verbatim: Vec<u8> = std::iter::once(2).chain(samples.iter().flat_map(|s| s.to_be_bytes())).collect();
    flac_of_subframe(&verbatim, samples.len() as u16, rate_hz, n_declared, md5)
}

/// A 16-bit mono FLAC whose one frame has this subframe, sound or not, and correct checksums.
pub fn flac_of_subframe(
    subframe: &[u8],
    n_block: u16,
    rate_hz: u32,
    n_declared: u64,
    md5: [u8; 16],
) -> Vec<u8> {
    let mut bytes = b"fLaC\x80\0\0\x22".to_vec(); // last metadata block, STREAMINFO, 34 bytes
    bytes.extend([n_block.to_be_bytes(), n_block.to_be_bytes()].concat()); // smallest and largest block
    bytes.extend([0; 6]); // frame sizes unknown
    // 20 bits rate, 3 bits channels - 1, 5 bits width - 1, 36 bits number of samples
    bytes.extend((u64::from(rate_hz) << 44 | 15 << 36 | n_declared).to_be_bytes());
    bytes.extend(md5);
    let mut frame = vec![0xFF, 0xF8, 0x70, 0x08, 0x00]; // sync; block size below; mono, 16 bits; frame 0
    frame.extend((n_block - 1).to_be_bytes());
    frame.push(crc(&frame, 8, 0x07) as u8);
    frame.extend(subframe);
    frame.extend((crc(&frame, 16, 0x8005) as u16).to_be_bytes());
    bytes.extend(frame);
    bytes
}

/// Cyclic redundancy check of `width` bits, starting from zero, most significant bit first.
fn crc(bytes: &[u8], width: u32, polynomial: u32) -> u32 {
    let top = 1 << (width - 1);
    let step = |value: u32| if value & top != 0 { (value << 1) ^ polynomial } else { value << 1 };
    let absorb =
        |value: u32, byte: &u8| (0..8).fold(value ^ (u32::from(*byte) << (width - 8)), |v, _| step(v));
    bytes.iter().fold(0, absorb) & ((top << 1) - 1)
}
