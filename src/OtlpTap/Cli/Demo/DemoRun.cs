namespace OtlpTap.Cli.Demo;

internal enum DemoFailure
{
    None,
    ToolTimeout,
    ToolDown,
    ProviderError,
    Truncated,
}

/// <summary>What the demo looks out for after a run.</summary>
internal enum DemoEvent
{
    None,
    AdviceChanges,
    UserIsUnhappy,
    UserIsHappy,
}

/// <summary>What happens in one run of the sample agent.</summary>
internal sealed record DemoRun(string Question, string Outcome, DemoFailure Failure = DemoFailure.None, DemoEvent Then = DemoEvent.None)
{
    private const string Answered = "answered";
    private const string Parcels = "track_parcel";

    public string Tool { get; init; } = "change_address";

    /// <summary>The agent asks the tap first whether its tool is to be used.</summary>
    public bool AsksForAdvice { get; init; }

    /// <summary>The agent calls its tool whatever is advised, as one of the traces that are held out.</summary>
    public bool IsTrial { get; init; }

    /// <summary>
    /// First runs that fail in one way each. Then a tool goes down: after five calls in vain the tap advises against it, the
    /// agent takes another, and users say what they think. It works again: after six more calls fewer than half have failed.
    /// </summary>
    public static readonly IReadOnlyList<DemoRun> Story =
    [
        new("Which of my orders are still on the way?", Answered),
        new("When does order 1042 arrive?", Answered),
        new("Send order 1042 to my office instead.", "the tool change_address timed out", DemoFailure.ToolTimeout),
        new("Is the blue one in stock?", Answered),
        new("What do you recommend for a beginner?", Answered),
        new("Compare all twelve of them in detail.", "the answer was cut off at the token limit", DemoFailure.Truncated),
        new("Can I return it after four weeks?", Answered),
        new("Then return order 1038, please.", Answered, Then: DemoEvent.UserIsUnhappy),
        new("And order 1039.", "the provider answered 429", DemoFailure.ProviderError),
        Down("Where is my parcel?"),
        Down("Has order 1051 left the warehouse?"),
        Down("Is it in Lyon by now?"),
        Down("When will the courier come?"),
        Down("Where is order 1053?") with { Then = DemoEvent.AdviceChanges },
        Down("And order 1054?") with { AsksForAdvice = true },
        Down("Is order 1055 out for delivery?") with { AsksForAdvice = true, Then = DemoEvent.UserIsHappy },
        UpAgain("Where is order 1056?"),
        UpAgain("Has order 1057 been sent?"),
        UpAgain("Which courier brings it?"),
        UpAgain("Can I follow it on a map?"),
        UpAgain("Is order 1058 late?"),
        UpAgain("And order 1059?") with { Then = DemoEvent.AdviceChanges },
    ];

    private static DemoRun Down(string question) => new(question, $"the tool {Parcels} failed", DemoFailure.ToolDown) { Tool = Parcels };

    private static DemoRun UpAgain(string question) => new(question, $"answered by {Parcels}, tried all the same") { Tool = Parcels, IsTrial = true };
}
