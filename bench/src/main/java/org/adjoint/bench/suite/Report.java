package org.adjoint.bench.suite;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Results for people and for programs.
 *
 * @param device where ours computed
 */
record Report(MachineInfo machine, Ceiling ceiling, String device, List<Result> results) {

    /** A table; the name of a case stands on its first line. */
    void print(PrintWriter out) {
        int caseWidth = width("case", results.stream().map(Result::work).toList());
        int contenderWidth = width("contender", results.stream().map(Result::contender).toList());
        int unitWidth = width("", results.stream().map(Result::unit).toList());
        String row = "%-" + caseWidth + "s  %-" + contenderWidth + "s  %10s %-" + unitWidth + "s  %10s  %s";
        out.println(machine);
        out.println(device.equals("cpu") ? ceiling : "adjoint on " + device + ", " + ceiling);
        out.println(String.format(row, "case", "contender", "median", "", "of ceiling", "ratio").stripTrailing());
        String last = null;
        for (Result result : results) {
            String remark = result.ratio() != null
                ? String.format(Locale.ROOT, "%.2f of %s", result.ratio(), result.peer())
                : result.bound() != null ? "bound " + number(result.bound()) : "";
            out.println(String.format(row, result.work().equals(last) ? "" : result.work(), result.contender(),
                number(result.median()), result.unit(), percent(result.ofCeiling()), remark).stripTrailing());
            last = result.work();
        }
        out.flush();
    }

    private static int width(String title, List<String> texts) {
        return Math.max(title.length(), texts.stream().mapToInt(String::length).max().orElse(0));
    }

    private static String percent(Double fraction) {
        return fraction == null ? "" : String.format(Locale.ROOT, "%.0f%%", 100 * fraction);
    }

    /** Two digits after the point, or one where there are many before it. */
    private static String number(double value) {
        return String.format(Locale.ROOT, Math.abs(value) < 100 ? "%.2f" : "%,.1f", value);
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("machine", machine.fields());
        fields.put("device", device);
        fields.put("ceiling", ceiling.fields());
        fields.put("results", results.stream().map(Result::fields).toList());
        return fields;
    }
}
