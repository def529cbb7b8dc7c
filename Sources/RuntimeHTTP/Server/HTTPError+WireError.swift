extension HTTPError {
  /// What a request becomes that is wrong on the wire: its response, or what reading its content throws.
  init(_ error: WireError) { self.init(error.status, error.reason.map { "\($0)" }) }
}
