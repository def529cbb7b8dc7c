extension MessageLimits {
  /// Creates the limits for the requests of a server with `options`.
  init(_ options: ServerOptions) {
    self.init(
      startLine: options.maximumRequestLineLength, head: options.maximumHeadLength, fields: options.maximumFieldCount,
      body: options.maximumBodyLength ?? .max, drained: options.maximumDrainedLength)
  }
}
