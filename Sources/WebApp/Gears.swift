import Glibc

/// A gear wheel, drawn as the path of an SVG image.
struct Gear {
  /// The centre.
  let x: Double
  let y: Double
  /// The number of teeth, which determines the size.
  let teeth: Int
  /// The angle of the first tooth in radians, clockwise from the right, as in SVG.
  var phase = 0.0
  /// The indices of the teeth that have broken off.
  var broken: Set<Int> = []

  /// The ratio of a wheel's pitch diameter to its number of teeth, the same for all wheels.
  static let module = 13.0

  /// The radius at which the teeth meet those of another wheel.
  var pitchRadius: Double { Double(teeth) * Self.module / 2 }

  /// Returns a wheel with `teeth` teeth that meshes with this one, placed in the direction `angle`.
  func meshing(teeth: Int, at angle: Double) -> Gear {
    let distance = pitchRadius + Double(teeth) * Self.module / 2
    // At the point of contact, one wheel has a tooth and the other a gap. Their phases there, in fractions of a tooth,
    // add up to one half, because the wheels turn in opposite directions.
    let own = (angle - phase) * Double(self.teeth) / (2 * .pi)
    return Gear(
      x: x + distance * cos(angle), y: y + distance * sin(angle), teeth: teeth,
      phase: angle + .pi - (0.5 - own) * 2 * .pi / Double(teeth))
  }

  /// The outline, hub and spokes as SVG path data, to be filled by the even-odd rule.
  var path: String { [outline, circle(pitchRadius * 0.2)].joined(separator: " ") + windows }

  private var outline: String {
    let root = pitchRadius - Self.module * 0.62
    let tip = pitchRadius + Self.module * 0.5
    let step = 2 * .pi / Double(teeth)
    var points: [String] = []
    for tooth in 0..<teeth {
      let middle = phase + Double(tooth) * step
      // Half the width of a tooth at its root and at its tip, as fractions of a step.
      let corners = [(-0.31, root), (-0.15, tip), (0.15, tip), (0.31, root)]
      for (offset, radius) in corners {
        points.append(point(middle + offset * step, broken.contains(tooth) ? root : radius))
      }
    }
    return "M" + points.joined(separator: "L") + "Z"
  }

  /// The holes between the spokes.
  private var windows: String {
    guard teeth > 9 else { return "" }
    let (inner, outer) = (pitchRadius * 0.36, pitchRadius - Self.module * 1.7)
    let count = 5
    return (0..<count).map { index in
      let start = phase + Double(index) * 2 * .pi / Double(count)
      let end = start + 2 * .pi / Double(count)
      // The spokes are as wide at the hub as at the rim.
      let (narrow, wide) = (0.1 * pitchRadius / inner, 0.1 * pitchRadius / outer)
      return " M\(point(start + narrow, inner))L\(point(start + wide, outer))"
        + "A\(short(outer)) \(short(outer)) 0 0 1 \(point(end - wide, outer))L\(point(end - narrow, inner))"
        + "A\(short(inner)) \(short(inner)) 0 0 0 \(point(start + narrow, inner))Z"
    }
    .joined()
  }

  private func circle(_ radius: Double) -> String {
    let arc = "A\(short(radius)) \(short(radius)) 0 1 1"
    return "M\(point(0, radius))\(arc) \(point(.pi, radius))\(arc) \(point(0, radius))Z"
  }

  private func point(_ angle: Double, _ radius: Double) -> String {
    "\(short(x + radius * cos(angle))) \(short(y + radius * sin(angle)))"
  }

  /// Rounds to a tenth of a pixel, which is precise enough and keeps the page small.
  private func short(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}

/// The picture at the top of every page: three meshing wheels, one for each runtime.
enum GearTrain {
  private static let wheels: [Gear] = {
    let large = Gear(x: 132, y: 232, teeth: 18, phase: 0.1)
    let middle = large.meshing(teeth: 13, at: -0.72)
    return [large, middle, middle.meshing(teeth: 9, at: 1.25)]
  }()

  /// Returns the turning wheels, with the one at index `engaged` highlighted.
  static func turning(engaged: Int?) -> String {
    image(wheels, label: "Three gear wheels in mesh", turns: true) { $0 == engaged ? "wheel engaged" : "wheel" }
  }

  /// The wheels after an accident: some teeth are missing and they do not turn.
  static let broken: String = {
    var wheels = Self.wheels
    wheels[0].broken = [0, 1, 2, 15, 16, 17]
    wheels[1] = Gear(x: wheels[1].x + 18, y: wheels[1].y - 14, teeth: 13, phase: 0.9, broken: [5])
    return image(wheels, label: "Gear wheels with broken teeth, standing still", turns: false) { _ in "wheel" }
  }()

  /// A single wheel as a `data:` URL, for the browser tab.
  static let icon: String = {
    let wheel = Gear(x: 60, y: 60, teeth: 8, phase: 0.2)
    return "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 120 120'%3E"
      + "%3Cpath fill='%23c8641f' fill-rule='evenodd' d='\(wheel.path)'/%3E%3C/svg%3E"
  }()

  private static func image(
    _ wheels: [Gear], label: String, turns: Bool, _ style: (Int) -> String
  ) -> String {
    let paths = wheels.enumerated().map { index, wheel in
      // Meshing wheels turn in opposite directions, at speeds inversely proportional to their numbers of teeth.
      let direction = index.isMultiple(of: 2) ? "normal" : "reverse"
      let motion = turns ? " style=\"animation:turn \(wheel.teeth)s linear infinite \(direction)\"" : ""
      return """
        <path class="\(style(index))"\(motion) transform-origin="\(wheel.x) \(wheel.y)" fill-rule="evenodd" \
        d="\(wheel.path)"/>
        """
    }
    return """
      <svg class="train" viewBox="0 0 406 362" role="img" aria-label="\(label)">\(paths.joined())</svg>
      """
  }
}
