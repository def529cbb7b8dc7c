/// The head of the last response and the lines it was encoded as. A response with the same head is sent as the same
/// bytes for as long as the encoder's table and the date do not change.
///
/// Most servers send the same head again and again, and copying it costs a fraction of looking up each line.
/// `Content-Length` is the field that changes most often, so it is not part of this: its line goes in between.
struct RepeatedHead {
  private var fields = HeaderFields()
  private var status = Status.ok
  /// What ``HPACKEncoder/tableVersion`` was; none is negative.
  private var tableVersion = -1
  /// All lines but that of `Content-Length`.
  private(set) var lines: [UInt8] = []
  /// Where in ``lines`` the line of `Content-Length` goes.
  private(set) var lengthPosition = 0

  /// Whether a head of these parts would be encoded as the same bytes.
  @inline(__always)
  func isSame(_ status: Status, _ fields: HeaderFields, tableVersion: Int) -> Bool {
    tableVersion == self.tableVersion && status == self.status && fields.isWrittenLike(self.fields)
  }

  /// Takes the place of the head before, with the lines that `block` holds around those of `length`.
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
