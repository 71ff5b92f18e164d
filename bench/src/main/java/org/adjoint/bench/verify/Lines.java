package org.adjoint.bench.verify;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What of an item's record is worth a line on the terminal. */
final class Lines {
    private Lines() { }

    /** A failure, or a figure; null where it passed and there is nothing more to say. */
    static String of(String key, Map<String, Object> fields) {
        if (!Boolean.TRUE.equals(fields.get("passed"))) {
            Object reason = fields.getOrDefault("threw", fields.getOrDefault("failures", fields.get("output")));
            return key + ": FAILED" + (reason == null ? "" : ": "
                + (reason instanceof List<?> list && !list.isEmpty() ? list.getFirst() : reason));
        }
        if (fields.get("skipped") != null) {
            return key + ": skipped, " + fields.get("skipped");
        }
        if (fields.get("rate") instanceof Double rate) {
            String line = String.format(Locale.ROOT, "%-46s %10.1f %s", key, rate, fields.get("unit"));
            if (fields.get("replayHostFraction") instanceof Double replay
                && fields.get("enqueueHostFraction") instanceof Double enqueue) {
                return line + String.format(Locale.ROOT,
                    "  the host is busy for %.1f%% of it, %.1f%% without graphs", replay * 100, enqueue * 100);
            }
            return fields.get("fractionOfCeiling") instanceof Double fraction
                ? line + String.format(Locale.ROOT, "  %3.0f%% of %s", fraction * 100, fields.get("ceiling")) : line;
        }
        if (fields.get("worstRelativeDifference") instanceof Double difference) {
            return String.format(Locale.ROOT, "%s: losses differ by at most %.1e", key, difference);
        }
        return null;
    }
}
