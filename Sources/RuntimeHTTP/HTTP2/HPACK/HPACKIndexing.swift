/// Whether the tables of both ends take in a line that is sent (RFC 7541 section 6.2).
enum HPACKIndexing: Sendable {
  /// They do, so that the line is an index when it comes again.
  case incremental
  /// They do not.
  case without
  /// They do not, nor does any table on the way from here on: a secret, which somebody who can add lines of his own to
  /// the same connection could guess piece by piece from the lengths (section 7.1).
  case never

  /// What is in the table can only be guessed whole (section 7.1), so a cookie of this many bytes is safe there. A shorter
  /// one may be no more than a choice between a few (section 7.1.3).
  private static let shortestSafeCookie = 20

  /// What is best for a line whose name is in the static table at `nameIndex`, or not there if that is 0.
  @inline(__always)
  static func advised(nameIndex: Int, value: Span<UInt8>) -> HPACKIndexing {
    if secret.contains(nameIndex) { return .never }
    if cookie.contains(nameIndex) { return value.count < shortestSafeCookie ? .never : .incremental }
    return varying.contains(nameIndex) ? .without : .incremental
  }

  /// Credentials: what they are worth is for one client to know. `Set-Cookie` is among them at any length, since
  /// it hardly ever comes twice.
  private static let secret = StaticTable.IndexSet(["authorization", "proxy-authorization", "set-cookie"])
  private static let cookie = StaticTable.IndexSet(["cookie"])
  /// What is about one message or one resource. `Date` is not here: it comes a thousand times before it changes.
  private static let varying = StaticTable.IndexSet([
    ":path", "age", "content-length", "content-location", "content-range", "etag", "expires", "if-match",
    "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified", "location", "range",
    "retry-after",
  ])
}
