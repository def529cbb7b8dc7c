/// The reason why a header block cannot be decoded: a connection error of type COMPRESSION_ERROR (RFC 9113 section
/// 4.3).
package enum HPACKError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The block ends within a line.
  case truncated
  /// An integer is larger than any that is meaningful here (RFC 7541 section 5.1).
  case integerTooLarge
  /// An index is 0, or past the end of the dynamic table (sections 2.3.3 and 6.1).
  case invalidIndex
  /// A Huffman code does not end with fewer than eight bits of padding, all ones, or contains EOS (section 5.2).
  case invalidHuffmanCode
  /// A size update follows the first line of a block (section 4.2).
  case misplacedSizeUpdate
  /// A size update exceeds what our settings allow (section 6.3).
  case sizeUpdateTooLarge
  /// Our settings reduced the table, and the block does not begin with the required size update (section 4.2).
  case missingSizeUpdate
  /// The decoded list exceeds the limit. The block is valid, but is not decoded to its end.
  case listTooLong

  /// The text of ``reason``.
  package var description: String { "\(reason)" }

  /// A sentence for the GOAWAY frame.
  var reason: StaticString {
    switch self {
    case .truncated: "A header block ends within a line."
    case .integerTooLarge: "An integer in a header block is too large."
    case .invalidIndex: "A header block refers to no entry of the tables."
    case .invalidHuffmanCode: "A string in a header block has an invalid Huffman code."
    case .misplacedSizeUpdate: "The size of the dynamic table changes within a header block."
    case .sizeUpdateTooLarge: "The dynamic table exceeds the size that the settings allow."
    case .listTooLong: "A header block decodes to a list that is too long."
    case .missingSizeUpdate: "The dynamic table is not reduced as the settings require."
    }
  }
}
