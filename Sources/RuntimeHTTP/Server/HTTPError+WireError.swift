extension HTTPError {
  /// Creates the error for a malformed request. It becomes the response, or is thrown to the reader of the content.
  init(_ error: WireError) { self.init(error.status, error.reason.map { "\($0)" }) }
}
