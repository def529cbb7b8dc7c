extension MessageLimits {
  /// How much of a request a server with `options` takes in.
  init(_ options: ServerOptions) {
    self.init(
      startLine: options.maximumRequestLineLength, head: options.maximumHeadLength, fields: options.maximumFieldCount,
      body: options.maximumBodyLength ?? .max, drained: options.maximumDrainedLength)
  }
}
