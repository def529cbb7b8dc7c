/// Why a block of header lines cannot be decoded: a connection error of type COMPRESSION_ERROR (RFC 9113 section 4.3).
package enum HPACKError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The block ends within a line.
  case truncated
  /// An integer is longer than any that has a meaning here (RFC 7541 section 5.1).
  case integerTooLarge
  /// An index of 0, or past the end of the dynamic table (sections 2.3.3 and 6.1).
  case invalidIndex
  /// A Huffman code that is not finished with fewer than eight bits of padding, all ones, or holds EOS (section 5.2).
  case invalidHuffmanCode
  /// A size update after the first line of a block (section 4.2).
  case misplacedSizeUpdate
  /// A size update to more than our settings allow (section 6.3).
  case sizeUpdateTooLarge
  /// Our settings took away a part of the table, and the block does not begin by saying so (section 4.2).
  case missingSizeUpdate
  /// The lines that the block stands for are longer than any that is decoded: not wrong, but not decoded to the end either.
  case listTooLong

  package var description: String { "\(reason)" }

  /// For the GOAWAY frame.
  var reason: StaticString {
    switch self {
    case .truncated: "A header block ends within a line."
    case .integerTooLarge: "An integer in a header block is too large."
    case .invalidIndex: "A header block refers to no entry of the tables."
    case .invalidHuffmanCode: "A string in a header block is wrongly encoded."
    case .misplacedSizeUpdate: "The size of the dynamic table changes within a header block."
    case .sizeUpdateTooLarge: "The dynamic table is made larger than the settings allow."
    case .listTooLong: "A header block stands for far more than its length."
    case .missingSizeUpdate: "The dynamic table is not made smaller, as the settings demand."
    }
  }
}
