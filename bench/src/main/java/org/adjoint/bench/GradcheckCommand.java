package org.adjoint.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import me.tongfei.progressbar.ProgressBar;
import org.adjoint.Device;
import org.adjoint.contract.ContractSuite;
import org.adjoint.contract.OpResult;
import org.adjoint.graph.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code adjoint gradcheck}: every operation and its gradient on a device, against the reference and differences. */
@Command(
        name = "gradcheck",
        description = {
            "Tests every operation: results and gradients on the device against an f64 reference, and the gradients of "
                + "the reference against differences.",
            "Ends with status 1 if an operation is wrong."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint gradcheck",
            "  adjoint gradcheck --op softmax,layerNorm --dtype f32,bf16",
            "  adjoint gradcheck --device cpu --json gradcheck.json"
        })
final class GradcheckCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--op", paramLabel = "NAME", split = ",", description = "Operations to test (all).")
    private List<String> ops = List.of();

    @Option(names = "--dtype", paramLabel = "TYPE", split = ",",
            description = "Element types to test, of bool, u8, i32, i64, f16, bf16, f32, f64 (all an operation takes).")
    private List<String> types = List.of();

    @Mixin
    private DeviceOption deviceOption;

    @Mixin
    private JsonOption json;

    private final Test test;

    /** Made by picocli. */
    GradcheckCommand() {
        this(ContractSuite::run);
    }

    /** With another outcome than the suite's own. */
    GradcheckCommand(Test test) {
        this.test = test;
    }

    /** Runs a suite and tells of each result as it comes. */
    interface Test {
        List<OpResult> run(ContractSuite suite, Consumer<OpResult> progress);
    }

    @Override
    public Integer call() throws IOException {
        deviceOption.check();
        Set<DType> dtypes = dtypes();
        requireKnownOps();
        json.requireWritable();
        try (Device device = deviceOption.open()) {
            List<OpResult> results = run(device, dtypes);
            if (results.isEmpty()) {
                throw new ParameterException(spec.commandLine(),
                        String.join(", ", ops) + " can't be tested in " + String.join(", ", types));
            }
            summarize(results);
            json.write(fields(device, results));
            return results.stream().allMatch(OpResult::passed) ? 0 : 1;
        }
    }

    private Set<DType> dtypes() {
        Set<DType> dtypes = types.isEmpty() ? EnumSet.allOf(DType.class) : EnumSet.noneOf(DType.class);
        for (String type : types) {
            try {
                dtypes.add(DType.parse(type));
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), "--dtype: " + e.getMessage(), e);
            }
        }
        return dtypes;
    }

    private void requireKnownOps() {
        List<String> known = ContractSuite.operations();
        for (String op : ops) {
            if (!known.contains(op)) {
                throw new ParameterException(spec.commandLine(), "unknown operation '" + op + "'"
                        + Nearest.of(op, known).map(it -> ", did you mean '" + it + "'?")
                                .orElse(": one of " + String.join(", ", known)));
            }
        }
    }

    /** Prints a row for each operation and dtype as it is done. */
    private List<OpResult> run(Device device, Set<DType> dtypes) {
        PrintWriter out = spec.commandLine().getOut();
        List<String> asked = ops.isEmpty() ? ContractSuite.operations() : ops;
        int width = asked.stream().mapToInt(String::length).max().orElse(0);
        String row = "%-" + Math.max(width, "operation".length()) + "s  %-5s  %7s  %8s  %20s  %s%n";
        out.println(device);
        out.printf(row, "operation", "dtype", "samples", "refusals", "worst relative error", "verdict");
        out.flush();
        Set<String> seen = new HashSet<>();
        Consumer<OpResult> table = result -> {
            out.printf(row, seen.add(result.op()) ? result.op() : "", result.dtype().text(), result.samples(),
                    result.refusals(), String.format(Locale.ROOT, "%.2e", result.worstRelativeError()),
                    result.passed() ? "passed" : "FAILED");
            out.flush();
        };
        ContractSuite suite = ContractSuite.on(device).dtypes(dtypes).ops(name -> ops.isEmpty() || ops.contains(name));
        if (!Terminal.showsErrors()) {
            return test.run(suite, table);
        }
        TerminalBar terminal = new TerminalBar();
        try (ProgressBar bar = terminal.bar("operations", asked.size()).build()) {
            return test.run(suite, result -> {
                terminal.above(() -> table.accept(result));
                bar.stepTo(seen.size());
                bar.refresh();
            });
        }
    }

    private void summarize(List<OpResult> results) {
        PrintWriter out = spec.commandLine().getOut();
        List<OpResult> failed = results.stream().filter(result -> !result.passed()).toList();
        for (OpResult result : failed) {
            out.printf("%n%s %s: %s%n", result.op(), result.dtype().text(), result.message());
        }
        long operations = results.stream().map(OpResult::op).distinct().count();
        long samples = results.stream().mapToLong(OpResult::samples).sum();
        long refusals = results.stream().mapToLong(OpResult::refusals).sum();
        out.printf(Locale.ROOT, "%n%d %s, %,d samples, %,d inputs that must be refused: %s%n", operations,
                operations == 1 ? "operation" : "operations", samples, refusals,
                failed.isEmpty() ? "all passed" : failed.size() + " of " + results.size() + " rows failed");
        out.flush();
    }

    private static Map<String, Object> fields(Device device, List<OpResult> results) {
        List<Map<String, Object>> ops = new ArrayList<>();
        for (OpResult result : results) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("op", result.op());
            fields.put("dtype", result.dtype().text());
            fields.put("samples", result.samples());
            fields.put("refusals", result.refusals());
            fields.put("worstRelativeError", result.worstRelativeError());
            fields.put("passed", result.passed());
            if (!result.passed()) {
                fields.put("message", result.message());
            }
            ops.add(fields);
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("device", device.toString());
        all.put("passed", results.stream().allMatch(OpResult::passed));
        all.put("ops", ops);
        return all;
    }
}
