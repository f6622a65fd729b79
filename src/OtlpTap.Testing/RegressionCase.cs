using OtlpTap.Cli.Replaying;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Replay;
using Xunit.Sdk;

namespace OtlpTap.Testing;

/// <summary>A failure that production had once, with all that is needed to run it again.</summary>
public sealed class RegressionCase : IXunitSerializable
{
    private ReplayCase? _case;

    /// <summary>For xunit, which fills it.</summary>
    [Obsolete("For xunit alone; a theory gets its cases from RegressionCorpus.")]
    public RegressionCase()
    {
    }

    private RegressionCase(ReplayCase replayCase) => _case = replayCase;

    /// <summary>The case's id: the name of its folder.</summary>
    public string Id => Case.Id;

    /// <summary>Its folder.</summary>
    public string Folder => Case.Path;

    /// <summary>The kind of failure that must not show again.</summary>
    public string Failure => Case.Failure;

    /// <summary>One line on what failed.</summary>
    public string Title => Case.Title;

    /// <summary>What the user asked.</summary>
    public string Input => Case.Input;

    private ReplayCase Case => _case ?? throw new InvalidOperationException("The case is not filled.");

    /// <summary>Runs the agent for the case and judges what it sends.</summary>
    /// <param name="agent">Runs the agent once: it must send OTLP to <see cref="RegressionContext.OtlpEndpoint"/> under <see cref="RegressionContext.TraceParent"/>, and have sent or flushed soon after it returns.</param>
    /// <param name="settings">Null: the defaults.</param>
    /// <param name="cancellation">Ends the run.</param>
    public Task<RegressionRun> ReplayAsync(Func<RegressionContext, CancellationToken, Task> agent, RegressionSettings? settings = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(agent);
        return ReplayAsync(new DelegateAgent(agent), settings ?? new RegressionSettings(), cancellation);
    }

    /// <summary>The same with an agent that is a program, as <c>otlptap replay --command</c> starts it.</summary>
    public Task<RegressionRun> ReplayCommandAsync(string command, RegressionSettings? settings = null, CancellationToken cancellation = default) =>
        ReplayAsync(new CommandAgent(command), settings ?? new RegressionSettings(), cancellation);

    /// <inheritdoc/>
    public override string ToString() => $"{Failure}: {Title} [{Id}]";

    /// <inheritdoc/>
    public void Serialize(IXunitSerializationInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        info.AddValue("folder", Folder);
    }

    /// <inheritdoc/>
    public void Deserialize(IXunitSerializationInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        _case = Read(info.GetValue<string>("folder")!, out _);
    }

    internal static RegressionCase Open(string folder, out string? notReplayable) => new(Read(folder, out notReplayable));

    private static ReplayCase Read(string folder, out string? notReplayable)
    {
        var replayCase = ReplaySession.Read(folder, out var problem, out notReplayable);
        return replayCase ?? throw new InvalidDataException(problem);
    }

    private async Task<RegressionRun> ReplayAsync(IAgentUnderTest agent, RegressionSettings settings, CancellationToken cancellation)
    {
        var loaded = new ConfigurationLoader().Load(settings.ConfigurationFiles);
        var options = loaded.Options ?? throw new InvalidOperationException(string.Join('\n', loaded.Problems));
        var mailbox = new TraceMailbox(TimeProvider.System);
        await using var rig = await ReplayRig.StartAsync(mailbox, ReplayAddressOptions.Any, settings.StubModel, settings.StubTools, TimeProvider.System, cancellation);
        IReadOnlyList<(Otlp.Signal, byte[])> sent = [];
        var hasWorld = settings.StubModel || settings.StubTools;
        var replayer = new Replayer(
            agent,
            mailbox,
            payloads => RunJudge.Judge(options, sent = payloads),
            rig.AddressesOf,
            one => hasWorld ? ReplaySession.WorldOf(one, options.Processor.CorpusRedact, !settings.IgnoreToolResults) : null,
            new ReplayOptions { Timeout = settings.Timeout, SpansWithin = settings.SpansWithin, Settle = settings.Settle },
            TimeProvider.System);
        var outcomes = await replayer.RunAsync([Case], null, cancellation);
        return new RegressionRun(this, outcomes[0].Runs[0], sent);
    }

    private sealed class DelegateAgent(Func<RegressionContext, CancellationToken, Task> agent) : IAgentUnderTest
    {
        public async Task<string?> RunAsync(ReplayRun run, ReplayAddresses addresses, CancellationToken cancellation)
        {
            await agent(new RegressionContext(run, addresses), cancellation);
            return null;
        }
    }
}
