/// The SHA-1 digest of `message` (RFC 3174). It protects nothing here; the WebSocket handshake requires it.
func sha1(_ message: [UInt8]) -> [UInt8] {
  var padded = message + [0x80]
  padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
  padded += bytes(of: UInt64(message.count) * 8)
  var digest: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
  for block in stride(from: 0, to: padded.count, by: 64) {
    var words = (0..<16).map { number -> UInt32 in
      let start = block + 4 * number
      return padded[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    for number in 16..<80 {
      let word = words[number - 3] ^ words[number - 8] ^ words[number - 14] ^ words[number - 16]
      words.append(word << 1 | word >> 31)
    }
    var (a, b, c, d, e) = (digest[0], digest[1], digest[2], digest[3], digest[4])
    for number in 0..<80 {
      let (mix, constant): (UInt32, UInt32) =
        switch number {
        case ..<20: (b & c | ~b & d, 0x5A82_7999)
        case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
        case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
        default: (b ^ c ^ d, 0xCA62_C1D6)
        }
      let sum = (a << 5 | a >> 27) &+ mix &+ e &+ constant &+ words[number]
      (a, b, c, d, e) = (sum, a, b << 30 | b >> 2, c, d)
    }
    digest = zip(digest, [a, b, c, d, e]).map { $0 &+ $1 }
  }
  return digest.flatMap(bytes)
}

/// The bytes of `number`, the most significant first.
func bytes(of number: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: number.bigEndian) { Array($0) }
}
