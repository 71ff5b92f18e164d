package org.adjoint.bench.suite;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.adjoint.bench.AtomicFile;
import org.adjoint.bench.JsonOption;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What benchmarks take. */
final class SuiteOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--peers", paramLabel = "NAME", split = ",", converter = Peer.Converter.class,
            description = "Libraries to measure beside ours: ${COMPLETION-CANDIDATES}. Maven gets them the first time.")
    private List<Peer> peers = List.of();

    @Option(names = "--device", paramLabel = "NAME", defaultValue = "cpu",
            description = "Where ours computes: cpu, cuda, cuda:1 and so on (${DEFAULT-VALUE}); peers do on the CPU.")
    private String device;

    @Option(names = "--threads", paramLabel = "N",
            description = "Threads of every contender (as many as there are processors).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--quick", description = "Fewer cases and one round instead of three.")
    private boolean quick;

    @Mixin
    private JsonOption json;

    @Option(names = "--chart", paramLabel = "FILE", description = "Draw the results as bars into a PNG file.")
    private Path chart;

    /** Peers that were asked for. @throws ParameterException for one that can do none of the suites */
    private Set<Peer> peers(Collection<Suite> suites) {
        for (Peer peer : peers) {
            if (suites.stream().noneMatch(suite -> suite.includes(peer))) {
                throw new ParameterException(command.commandLine(),
                        "--peers: " + peer + " can't do this, but " + names(suites) + " can");
            }
        }
        return peers.isEmpty() ? EnumSet.noneOf(Peer.class) : EnumSet.copyOf(peers);
    }

    private static String names(Collection<Suite> suites) {
        return Arrays.stream(Peer.values()).filter(peer -> suites.stream().anyMatch(suite -> suite.includes(peer)))
            .map(Peer::toString).collect(Collectors.joining(","));
    }

    /** Measures suites: checks what can go wrong before minutes of measuring, and builds the peers. */
    int run(Collection<Suite> suites) throws IOException, InterruptedException {
        if (threads < 1) {
            throw new ParameterException(command.commandLine(), "--threads must be at least 1 but is " + threads);
        }
        if (!device.matches("cpu|cuda(:\\d{1,3})?")) {
            throw new ParameterException(command.commandLine(),
                "--device must be cpu, cuda or cuda:1 and so on but is " + device);
        }
        Set<Peer> chosen = peers(suites);
        json.requireWritable();
        if (chart != null) {
            AtomicFile.requireWritable(chart);
        }
        String name = command.name() + "-" + LocalDateTime.now().format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"))
                + ".log";
        Path log = SourceTree.logs().resolve(name);
        PrintWriter err = command.commandLine().getErr();
        Path folder = Path.of("");
        for (Peer peer : chosen) {
            folder = PeerBuild.require(peer, log, err);
        }
        Ceiling ceiling = device.equals("cpu") ? Ceiling.ofProcessor(threads) : Ceiling.ofCard(ordinal());
        List<Result> results = new ArrayList<>();
        try (Harness harness = new Harness(quick ? Effort.QUICK : Effort.FULL, threads, device, folder, log, err)) {
            SuiteRun run = new SuiteRun(harness, ceiling, chosen, device, threads, quick);
            for (Suite suite : suites) {
                results.addAll(suite.run(run));
                // What is measured so far outlives a run that is ended.
                json.write(new Report(MachineInfo.of(threads), ceiling, device, results).fields());
            }
            return report(suites, results, ceiling, harness);
        }
    }

    private int ordinal() {
        return device.contains(":") ? Integer.parseInt(device.substring(device.indexOf(':') + 1)) : 0;
    }

    /** Prints and draws the results. @return the exit status: 1 if something could not be measured */
    private int report(Collection<Suite> suites, List<Result> results, Ceiling ceiling, Harness harness)
        throws IOException {
        Report report = new Report(MachineInfo.of(threads), ceiling, device, results);
        PrintWriter out = command.commandLine().getOut();
        report.print(out);
        out.println();
        harness.failures().forEach(out::println);
        if (peers.isEmpty()) {
            out.println("no peer was measured; --peers " + names(suites) + " gets them and measures them too");
        }
        out.println("what JMH printed is in " + harness.log());
        out.flush();
        if (chart != null) {
            String title = command.qualifiedName() + ": " + report.machine();
            if (suites.size() == 1) {
                BarChart.write(chart, title, suites.iterator().next().unit(), results);
            } else {
                BarChart.writeParts(chart, title, results);
            }
        }
        return harness.failures().isEmpty() ? 0 : 1;
    }
}
