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
import org.adjoint.contract.RandomPrograms;
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
            "With --programs, programs of many operations at random instead: results and gradients against the reference. "
                + "Of one that is wrong the smallest part that still is gets printed as Java.",
            "Ends with status 1 if an operation or a program is wrong."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint gradcheck",
            "  adjoint gradcheck --op softmax,layerNorm --dtype f32,bf16",
            "  adjoint gradcheck --device cpu --json gradcheck.json",
            "  adjoint gradcheck --programs 1000 --seed 7"
        })
final class GradcheckCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--op", paramLabel = "NAME", split = ",", description = "Operations to test (all).")
    private List<String> ops = List.of();

    @Option(names = "--dtype", paramLabel = "TYPE", split = ",",
            description = "Element types to test, of bool, u8, i32, i64, f16, bf16, f32, f64 (all an operation takes).")
    private List<String> types = List.of();

    @Option(names = "--programs", paramLabel = "N", description = "Random programs to run, instead of the operations.")
    private Integer programs;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the first random program (${DEFAULT-VALUE}).")
    private long seed;

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
        if (programs != null && programs < 1) {
            throw new ParameterException(spec.commandLine(), "--programs must be at least 1 but is " + programs);
        }
        if (programs != null && !(ops.isEmpty() && types.isEmpty())) {
            throw new ParameterException(spec.commandLine(),
                    "--programs draws operations and types itself: leave out " + (ops.isEmpty() ? "--dtype" : "--op"));
        }
        Set<DType> dtypes = dtypes();
        requireKnownOps();
        json.requireWritable();
        if (programs != null) {
            return runPrograms();
        }
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

    private int runPrograms() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        try (Device device = deviceOption.open()) {
            out.println(device);
            out.flush();
            RandomPrograms.Report report = RandomPrograms.on(device).seed(seed).run(programs, _ -> { });
            for (RandomPrograms.Failure failure : report.failures()) {
                out.printf("%nseed %d: %s%n%n%s", failure.seed(), failure.message(), failure.code());
            }
            out.printf(Locale.ROOT, "%n%,d programs, %,d operations, %,d of them differentiated: %s%n",
                    report.programs(), report.operations(), report.gradients(),
                    report.failures().isEmpty() ? "all agree" : report.failures().size() + " disagree");
            out.flush();
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("device", device.toString());
            fields.put("passed", report.failures().isEmpty());
            fields.put("programs", report.programs());
            fields.put("operations", report.operations());
            fields.put("seeds", report.failures().stream().map(RandomPrograms.Failure::seed).toList());
            json.write(fields);
            return report.failures().isEmpty() ? 0 : 1;
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
