import RuntimeSimulation

extension SimulatedRuntime {
  /// Checks that nothing is left in the simulation, except the calling task.
  func expectNothingLeft() async throws {
    // What was on its way when both ends were closed still has to arrive.
    try await clock.sleep(for: .seconds(30))
    let inventory = inventory
    let isEmpty =
      inventory.tasks == 0 && inventory.listeners == 0 && inventory.streams == 0 && inventory.unreadBytes == 0
      && inventory.datagramSockets == 0 && inventory.timers == 0 && inventory.waits.isEmpty
    if !isEmpty { throw Ledger.Wrong("something is left: \(inventory)") }
  }
}
