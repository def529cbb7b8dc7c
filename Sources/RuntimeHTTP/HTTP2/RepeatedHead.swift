/// The head of the last response and its encoded lines. A response with the same head is sent as the same bytes, as
/// long as the encoder's table and the date have not changed.
///
/// Most servers send the same head repeatedly, and copying it costs a fraction of looking up each line.
/// `Content-Length` changes most often, so its line is not stored, but inserted.
struct RepeatedHead {
  private var fields = HeaderFields()
  private var status = Status.ok
  /// The value of ``HPACKEncoder/tableVersion``; -1 before the first.
  private var tableVersion = -1
  /// All lines except `Content-Length`.
  private(set) var lines: [UInt8] = []
  /// The position in ``lines`` at which the `Content-Length` line is inserted.
  private(set) var lengthPosition = 0

  /// Returns whether a head of these parts would be encoded as the same bytes.
  @inline(__always)
  func isSame(_ status: Status, _ fields: HeaderFields, tableVersion: Int) -> Bool {
    tableVersion == self.tableVersion && status == self.status && fields.isByteIdentical(to: self.fields)
  }

  /// Stores a head. Its lines are those of `block` except the range `length`.
  mutating func replace(
    _ status: Status, _ fields: HeaderFields, tableVersion: Int, block: Span<UInt8>, length: Range<Int>
  ) {
    (self.status, self.fields, self.tableVersion) = (status, fields, tableVersion)
    lines.removeAll(keepingCapacity: true)
    lengthPosition = length.lowerBound
    lines.append(copying: block.extracting(..<length.lowerBound))
    lines.append(copying: block.extracting(length.upperBound...))
  }
}
