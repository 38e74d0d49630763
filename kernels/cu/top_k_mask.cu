// The k largest magnitudes of each row: a radix selection, then ties in order. Definition: src/ops/top_k_mask.rs
#pragma once
#include "common.cuh"

#define DIGITS 256u
#define TIE_TILE 32ull  // words of 32 samples whose ties are counted together

DEVFN u32 key_of(const float *x, const float *base, u32 has_base, u64 i) {
  float value = has_base ? __fsub_rn(x[i], base[i]) : x[i];
  u32 key = __float_as_uint(value) & 0x7FFFFFFFu;
  return key > 0x7F800000u ? 0u : key;
}

// wanted[row] = min(k, length). A row that wants none gets a cut above every key.
KERNEL start_selection(const u64 *__restrict__ k, const u64 *__restrict__ lengths, u64 *__restrict__ wanted,
                       u32 *__restrict__ cuts, u64 n_rows) {
  FOR_EACH(row, n_rows) {
    wanted[row] = k[row] < lengths[row] ? k[row] : lengths[row];
    cuts[row] = wanted[row] == 0 ? 0xFFFFFFFFu : 0u;
  }
}

// counts[row][digit] += keys that agree with the cut from bit `shift` up and have this digit in bits below..shift.
KERNEL count_digits(const float *__restrict__ x, const float *__restrict__ base, u32 has_base,
                    const u64 *__restrict__ lengths, const u32 *__restrict__ cuts, u32 *__restrict__ counts, u32 shift,
                    u32 below, u64 n_rows, u64 n_samples) {
  FOR_ROWS(row, n_rows) {
    u32 cut = cuts[row];
    FOR_EACH(i, lengths[row]) {
      u32 key = key_of(x, base, has_base, row * n_samples + i);
      if (((key ^ cut) >> shift) == 0) atomicAdd(&counts[row * DIGITS + (key >> below) % DIGITS], 1u);
    }
  }
}

// Fixes the digit in which the wanted-th largest key lies, and leaves the counts at 0 for the next pass.
KERNEL pick_digit(u32 *__restrict__ counts, u64 *__restrict__ wanted, u32 *__restrict__ cuts, u32 below, u64 n_rows) {
  FOR_EACH(row, n_rows) {
    u64 left = wanted[row];
    bool open = left > 0;
    for (u32 digit = DIGITS; digit-- > 0;) {
      u32 count = counts[row * DIGITS + digit];
      counts[row * DIGITS + digit] = 0;
      if (open && left <= count) {
        cuts[row] |= digit << below;
        wanted[row] = left;
        open = false;
      }
      if (open) left -= count;
    }
  }
}

// ties[row][word] = bit per sample of the word: its key is the cut.
KERNEL mark_ties(const float *__restrict__ x, const float *__restrict__ base, u32 has_base,
                 const u64 *__restrict__ lengths, const u32 *__restrict__ cuts, u32 *__restrict__ ties, u64 n_rows,
                 u64 n_samples, u64 n_words) {
  FOR_ROWS(row, n_rows) {
    FOR_EACH(word, n_words) {
      u32 bits = 0;
      for (u32 bit = 0; bit < 32; ++bit) {
        u64 i = word * 32 + bit;
        if (i < lengths[row] && key_of(x, base, has_base, row * n_samples + i) == cuts[row]) bits |= 1u << bit;
      }
      ties[row * n_words + word] = bits;
    }
  }
}

KERNEL count_ties(const u32 *__restrict__ ties, u64 *__restrict__ before, u64 n_rows, u64 n_words, u64 n_tiles) {
  FOR_ROWS(row, n_rows) {
    FOR_EACH(tile, n_tiles) {
      u64 end = (tile + 1) * TIE_TILE < n_words ? (tile + 1) * TIE_TILE : n_words, count = 0;
      for (u64 word = tile * TIE_TILE; word < end; ++word) count += __popc(ties[row * n_words + word]);
      before[row * n_tiles + tile] = count;
    }
  }
}

// before[row][tile] = ties of the row in earlier tiles.
KERNEL scan_ties(u64 *__restrict__ before, u64 n_rows, u64 n_tiles) {
  FOR_EACH(row, n_rows) {
    u64 total = 0;
    for (u64 tile = 0; tile < n_tiles; ++tile) {
      u64 count = before[row * n_tiles + tile];
      before[row * n_tiles + tile] = total;
      total += count;
    }
  }
}

// Whether sample i of the row is among the largest; of the ties, the first `wanted` are.
DEVFN bool lets_in(u32 key, u32 cut, u64 wanted, const u32 *ties, const u64 *before, u64 i) {
  if (key != cut) return key > cut;
  u64 word = i / 32, rank = before[word / TIE_TILE];
  for (u64 earlier = word / TIE_TILE * TIE_TILE; earlier < word; ++earlier) rank += __popc(ties[earlier]);
  rank += __popc(ties[word] & ((1u << (i % 32)) - 1u));
  return rank < wanted;
}

KERNEL write_mask(const float *__restrict__ x, const u64 *__restrict__ lengths, const u32 *__restrict__ cuts,
                  const u64 *__restrict__ wanted, const u32 *__restrict__ ties, const u64 *__restrict__ before,
                  float *__restrict__ mask, u64 n_rows, u64 n_samples, u64 n_words, u64 n_tiles) {
  FOR_ROWS(row, n_rows) {
    const u32 *row_ties = ties + row * n_words;
    const u64 *row_before = before + row * n_tiles;
    FOR_EACH(i, n_samples) {
      u64 at = row * n_samples + i;
      bool in = i < lengths[row] &&
                lets_in(key_of(x, x, 0, at), cuts[row], wanted[row], row_ties, row_before, i);
      mask[at] = in ? 1.0f : 0.0f;
    }
  }
}
