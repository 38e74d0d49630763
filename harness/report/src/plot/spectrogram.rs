//! A mel spectrogram as a PNG with a perceptually ordered palette, carried in a data URI.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seraph_audio::{MelBank, MelNorm, MelScale, Spectrogram, Stft};

/// Bands from bottom to top of the picture.
const N_MELS: usize = 80;
/// Columns of the picture, about.
const N_FRAMES: usize = 260;
/// From the brightest to the darkest colour.
const RANGE_DB: f32 = 80.0;
/// Colours in the palette; PNG squeezes few colours better.
const N_COLOURS: usize = 64;

/// Dark to light with evenly growing lightness (CIE L* 5, 22, 38, 55, 72, 92), hue from violet over red to yellow.
const ANCHORS: [[f32; 3]; 6] = [
    [9.0, 6.0, 30.0],
    [72.0, 20.0, 104.0],
    [150.0, 40.0, 110.0],
    [221.0, 81.0, 75.0],
    [250.0, 149.0, 43.0],
    [250.0, 233.0, 150.0],
];

/// Power in mel bands, `[n_frames, n_mels]`, linear.
#[derive(Clone, Debug, PartialEq)]
pub struct MelPower(Spectrogram);

impl MelPower {
    /// Analyses `samples` in 32-ms frames. `None` where the audio is too short or its rate too low to show anything.
    pub fn of(samples: &[f32], sample_rate_hz: u32) -> Option<Self> {
        let fft_size = ((sample_rate_hz as usize * 32) / 1000).next_power_of_two();
        let hop_samples = (samples.len() / N_FRAMES).max(16);
        let stft = Stft::new(fft_size, hop_samples);
        let range_hz = (0.0, f64::from(sample_rate_hz) / 2.0);
        let bank =
            MelBank::new(&stft, sample_rate_hz, N_MELS, range_hz, MelScale::Slaney, MelNorm::None).ok()?;
        let finite: Vec<f32> = samples.iter().map(|s| if s.is_finite() { *s } else { 0.0 }).collect();
        let power = bank.apply(&stft.power(&finite).ok()?).ok()?;
        (power.n_frames > 1).then_some(MelPower(power))
    }

    /// The strongest band of the strongest frame.
    pub fn peak(&self) -> f32 {
        self.0.values.iter().copied().fold(0.0, f32::max)
    }

    /// A PNG in a `data:` URI: time to the right, mel bands upwards, `peak` the brightest, 80 dB below it the darkest.
    ///
    /// Panels that are to be compared take the same `peak`.
    pub fn data_uri(&self, peak: f32) -> String {
        format!("data:image/png;base64,{}", STANDARD.encode(self.png(peak)))
    }

    fn png(&self, peak: f32) -> Vec<u8> {
        let (width, height) = (self.0.n_frames, self.0.n_bins);
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette());
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().expect("width and height are at least 1");
        writer.write_image_data(&self.pixels(peak)).expect("there is one byte per pixel");
        writer.finish().expect("writing to a Vec cannot fail");
        bytes
    }

    /// Palette indices, top row first.
    fn pixels(&self, peak: f32) -> Vec<u8> {
        let (width, height) = (self.0.n_frames, self.0.n_bins);
        let loudest = 10.0 * peak.max(f32::MIN_POSITIVE).log10();
        let shade = |power: f32| {
            let db_below = loudest - 10.0 * power.max(f32::MIN_POSITIVE).log10();
            let share = (1.0 - db_below / RANGE_DB).clamp(0.0, 1.0);
            (share * (N_COLOURS - 1) as f32).round() as u8
        };
        let rows = (0..height).rev();
        rows.flat_map(|band| (0..width).map(move |frame| (frame, band)))
            .map(|(frame, band)| shade(self.0.frame(frame)[band]))
            .collect()
    }
}

fn palette() -> Vec<u8> {
    (0..N_COLOURS)
        .flat_map(|i| {
            let place = i as f32 / (N_COLOURS - 1) as f32 * (ANCHORS.len() - 1) as f32;
            let left = (place as usize).min(ANCHORS.len() - 2);
            let share = place - left as f32;
            [0, 1, 2].map(|c| (ANCHORS[left][c] * (1.0 - share) + ANCHORS[left + 1][c] * share).round() as u8)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tone(hz: f32) -> Vec<f32> {
        (0..16_000).map(|n| 0.5 * (std::f32::consts::TAU * hz * n as f32 / 16_000.0).sin()).collect()
    }

    #[test]
    fn the_palette_grows_lighter_at_every_step() {
        let luma = |c: &[u8]| 0.2126 * f32::from(c[0]) + 0.7152 * f32::from(c[1]) + 0.0722 * f32::from(c[2]);
        let palette = palette();
        assert_eq!(palette.len(), 3 * N_COLOURS);
        assert!(palette.chunks(3).zip(palette.chunks(3).skip(1)).all(|(a, b)| luma(a) < luma(b)));
    }

    #[test]
    fn a_higher_tone_is_brightest_in_a_higher_row() {
        let brightest_row = |hz| {
            let power = MelPower::of(&tone(hz), 16_000).unwrap();
            let width = power.0.n_frames;
            let pixels = power.pixels(power.peak());
            let column: Vec<u8> = (0..N_MELS).map(|row| pixels[row * width + width / 2]).collect();
            (0..N_MELS).max_by_key(|row| column[*row]).unwrap()
        };
        assert!(brightest_row(3000.0) < brightest_row(500.0), "row 0 is the top");
    }

    #[test]
    fn the_picture_decodes_to_its_own_pixels() {
        let power = MelPower::of(&tone(440.0), 16_000).unwrap();
        let bytes = power.png(power.peak());
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width as usize, info.height as usize), (power.0.n_frames, N_MELS));
        assert_eq!(pixels, power.pixels(power.peak()));
    }

    #[test]
    fn nothing_is_shown_for_audio_without_frames() {
        assert_eq!(MelPower::of(&[], 16_000), None);
        assert_eq!(MelPower::of(&[0.0; 10], 0), None);
    }
}
