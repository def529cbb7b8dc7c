/// A file of a simulated disk: its bytes as programs see them, and those that would survive a crash.
final class DiskFile {
  /// The identity of the file, the same in runs that differ in a fault.
  let identity: Int
  /// The name under which the file was created.
  let name: String
  let host: Int

  private(set) var bytes: [UInt8] = []
  /// The contents that certainly survive a crash: those after all changes before the first one in `changes`.
  private var durable: [UInt8] = []
  /// The later changes, in order.
  private var changes: [Change] = []
  /// The number of changes.
  private(set) var changeCount = 0
  /// The number of bytes that have ever been written to the file.
  private(set) var writtenCount = 0
  /// The number of operations.
  private(set) var operationCount = 0
  /// The last opportunity for each kind of fault: the number of bytes before it, and its number at that position.
  private var occasions: [Fault.Kind: (position: Int, number: Int)] = [:]

  private struct Change {
    let number: Int
    let edit: Edit
    /// The number of bytes written before the change, and the number of changes since those bytes.
    let position: Int
    let occasion: Int
    /// Whether the change has been synced.
    var isDurable = false
    /// Whether a sync of the change has failed. Later syncs skip it.
    var isGivenUp = false
  }

  private enum Edit {
    case write([UInt8], at: Int)
    case truncation(to: Int)

    func apply(to bytes: inout [UInt8]) {
      switch self {
      case .write(let new, let offset):
        if bytes.count < offset + new.count {
          bytes += [UInt8](repeating: 0, count: offset + new.count - bytes.count)
        }
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
      case .truncation(let size):
        if size < bytes.count { bytes.removeLast(bytes.count - size) }
        bytes += [UInt8](repeating: 0, count: size - bytes.count)
      }
    }
  }

  /// - Parameter number: the number of earlier files of this name on the host.
  init(_ name: String, on host: Int, number: Int) {
    self.name = name
    self.host = host
    let text = name.utf8.reduce(UInt64(0)) { RandomNumbers.hash($0, UInt64($1)) }
    // Not negative: an owner below zero is a datagram socket.
    identity = Int(RandomNumbers.hash(UInt64(host), UInt64(number), text) >> 1)
  }

  // MARK: Operations

  func write(_ new: [UInt8], at offset: Int) {
    change(.write(new, at: offset))
    writtenCount += new.count
  }

  func truncate(to size: Int) { change(.truncation(to: size)) }

  private func change(_ edit: Edit) {
    edit.apply(to: &bytes)
    changeCount += 1
    let occasion = changes.last.map { $0.position == writtenCount ? $0.occasion + 1 : 0 } ?? 0
    changes.append(Change(number: changeCount, edit: edit, position: writtenCount, occasion: occasion))
  }

  /// Makes the first `count` changes survive crashes, except those that a failed sync has given up.
  func sync(_ count: Int) {
    for index in changes.indices where changes[index].number <= count && !changes[index].isGivenUp {
      changes[index].isDurable = true
    }
    let settled = changes.prefix { $0.isDurable }
    for change in settled { change.edit.apply(to: &durable) }
    changes.removeFirst(settled.count)
  }

  /// Makes later syncs skip those of the first `count` changes that have not been synced.
  func giveUp(_ count: Int) {
    for index in changes.indices where changes[index].number <= count { changes[index].isGivenUp = true }
  }

  // MARK: Faults

  /// Returns the place of the next operation.
  func nextOperation() -> Fault.Place {
    operationCount += 1
    return Fault.Place(owner: identity, occasion: operationCount)
  }

  /// Returns the place of the next opportunity for a fault.
  func nextPlace(of kind: Fault.Kind) -> Fault.Place {
    let last = occasions[kind]
    let number = last?.position == writtenCount ? (last?.number ?? 0) + 1 : 0
    occasions[kind] = (writtenCount, number)
    return Fault.Place(owner: identity, position: writtenCount, occasion: number)
  }

  /// Reduces the file to what a crash leaves of it. The seed decides for each change that was not synced, independently
  /// of the others, whether it is kept, lost or, if it is a write, kept in part.
  func crash(_ network: SimulatedNetwork) {
    let plan = network.faults.plan
    bytes = durable
    for change in changes {
      guard !change.isDurable else {
        change.edit.apply(to: &bytes)
        continue
      }
      let place = Fault.Place(owner: identity, position: change.position, occasion: change.occasion)
      if network.fault(.lostWrite, plan.lostWrites, at: place, inFile: self) != nil { continue }
      if case .write(let new, let offset) = change.edit, new.count > 1,
        let fault = network.fault(.tornWrite, plan.tornWrites, at: place, inFile: self)
      {
        let count = 1 + network.faults.amount(fault, upTo: new.count - 2)
        Edit.write(Array(new[..<count]), at: offset).apply(to: &bytes)
      } else {
        change.edit.apply(to: &bytes)
      }
    }
    durable = bytes
    changes = []
  }
}

extension DiskFile: CustomStringConvertible {
  var description: String { "\"\(name)\" of host \(host)" }
}
