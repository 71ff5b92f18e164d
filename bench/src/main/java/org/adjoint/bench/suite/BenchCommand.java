package org.adjoint.bench.suite;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code adjoint bench}. */
@Command(
        name = "bench",
        description = "Measures with JMH, beside other libraries where they are asked for.",
        mixinStandardHelpOptions = true,
        subcommands = {GemmCommand.class, StepCommand.class})
public final class BenchCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a benchmark is missing, one of "
            + String.join(", ", spec.subcommands().keySet()));
    }
}
