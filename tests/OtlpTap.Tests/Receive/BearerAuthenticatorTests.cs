using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Receive;

public sealed class BearerAuthenticatorTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<(string Problem, bool IsNew)> _problems = [];
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("Bearer one", true)]
    [InlineData("bearer two", true)]
    [InlineData("Bearer  two ", true)]
    [InlineData("Bearer three", false)]
    [InlineData("Bearer on", false)]
    [InlineData("Bearer onee", false)]
    [InlineData("Bearer ONE", false)]
    [InlineData("Bearer ", false)]
    [InlineData("Bearer", false)]
    [InlineData("Bearerone", false)]
    [InlineData("Basic one", false)]
    [InlineData("one", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public async Task Whoever_shows_one_of_the_tokens_is_let_in(string? header, bool isLetIn)
    {
        using var authenticator = Create(new BearerTokenOptions("bearertokenauth") { Tokens = ["one", "two"] });

        Assert.Equal(isLetIn, await IsLetInAsync(authenticator, header));
    }

    [Fact]
    public async Task Two_headers_are_no_token()
    {
        using var authenticator = Create(new BearerTokenOptions("bearertokenauth") { Tokens = ["one"] });

        Assert.False(await IsLetInAsync(authenticator, new StringValues(["Bearer one", "Bearer one"])));
    }

    [Fact]
    public async Task Header_and_scheme_can_be_others()
    {
        using var authenticator = Create(new BearerTokenOptions("bearertokenauth") { Tokens = ["one"], Header = "x-token", Scheme = "" });

        Assert.Equal("x-token", authenticator.Header);
        Assert.True(await IsLetInAsync(authenticator, "one"));
        Assert.False(await IsLetInAsync(authenticator, "Bearer one"));
    }

    [Fact]
    public async Task The_file_wins_over_the_list_and_is_read_again()
    {
        await File.WriteAllTextAsync(_file, "first\r\n\n  second\n", Deadline.Token());
        using var authenticator = Create(new BearerTokenOptions("bearertokenauth") { Tokens = ["listed"], TokenFile = _file });
        Assert.True(await IsLetInAsync(authenticator, "Bearer first"));
        Assert.True(await IsLetInAsync(authenticator, "Bearer second"));
        Assert.False(await IsLetInAsync(authenticator, "Bearer listed"));

        await File.WriteAllTextAsync(_file, "third", Deadline.Token());
        _time.Advance(BearerAuthenticator.FileInterval);
        Assert.True(await IsLetInAsync(authenticator, "Bearer third"));
        Assert.False(await IsLetInAsync(authenticator, "Bearer first"));
    }

    [Fact]
    public async Task A_file_that_went_bad_leaves_the_old_tokens_and_is_new_only_once()
    {
        await File.WriteAllTextAsync(_file, "first", Deadline.Token());
        using var authenticator = Create(new BearerTokenOptions("bearertokenauth/agents") { TokenFile = _file });

        await File.WriteAllTextAsync(_file, "\n", Deadline.Token());
        _time.Advance(BearerAuthenticator.FileInterval);
        _time.Advance(BearerAuthenticator.FileInterval);

        var problem = $"extensions.bearertokenauth/agents.filename `{_file}` has no token";
        Assert.Equal([(problem, true), (problem, false)], _problems);
        Assert.True(await IsLetInAsync(authenticator, "Bearer first"));

        // Good for a while and bad again: that is worth a line again.
        await File.WriteAllTextAsync(_file, "first", Deadline.Token());
        _time.Advance(BearerAuthenticator.FileInterval);
        await File.WriteAllTextAsync(_file, "", Deadline.Token());
        _time.Advance(BearerAuthenticator.FileInterval);
        Assert.Equal((problem, true), _problems[^1]);
    }

    [Fact]
    public void A_file_that_is_not_there_at_the_start_names_key_and_file()
    {
        var refused = Assert.Throws<UnusableFileException>(() => Create(new BearerTokenOptions("bearertokenauth") { TokenFile = "nowhere.txt" }));

        Assert.StartsWith("extensions.bearertokenauth.filename `nowhere.txt` cannot be read: ", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a directory", "cannot be read: ")]
    [InlineData("huge", "is larger than 1 MiB")]
    [InlineData("endless", "is larger than 1 MiB")]
    [InlineData("gone", "cannot be read: ")]
    [InlineData("blank", "has no token")]
    public async Task Whatever_takes_the_place_of_the_file_lets_in_nobody_else(string kind, string expected)
    {
        await File.WriteAllTextAsync(_file, "first", Deadline.Token());
        using var authenticator = Create(new BearerTokenOptions("bearertokenauth") { TokenFile = _file });

        File.Delete(_file);
        switch (kind)
        {
            case "a directory":
                Directory.CreateDirectory(_file);
                break;
            case "huge":
                await File.WriteAllTextAsync(_file, new string('x', (1 << 20) + 1), Deadline.Token());
                break;
            case "endless" when !OperatingSystem.IsWindows():
                File.CreateSymbolicLink(_file, "/dev/zero");
                break;
            case "blank":
                await File.WriteAllTextAsync(_file, " \n\t\r\n", Deadline.Token());
                break;
        }

        _time.Advance(BearerAuthenticator.FileInterval);
        if (kind == "a directory")
        {
            Directory.Delete(_file);
        }

        Assert.Contains(expected, Assert.Single(_problems).Problem, StringComparison.Ordinal);
        Assert.True(await IsLetInAsync(authenticator, "Bearer first"));
        Assert.All(["", "Bearer", "Bearer ", "Bearer \t", "Bearer \0"], header => Assert.False(IsLetInAsync(authenticator, header).GetAwaiter().GetResult()));
    }

    [Theory]
    [InlineData("Bearer two, Bearer one")]
    [InlineData("Bearer one, Bearer two")]
    [InlineData("Bearer one,")]
    [InlineData(",Bearer one")]
    [InlineData("Bearer\tone")]
    [InlineData("Bearer\u00a0one")]
    [InlineData("Bearer one\0")]
    [InlineData("Bearer Bearer one")]
    [InlineData(" Bearer one")]
    public async Task A_header_that_only_looks_like_the_token_is_refused(string header)
    {
        using var authenticator = Create(new BearerTokenOptions("bearertokenauth") { Tokens = ["one"] });

        Assert.False(await IsLetInAsync(authenticator, header));
    }

    [Fact]
    public async Task Without_a_token_nobody_is_let_in()
    {
        using var authenticator = Create(new BearerTokenOptions("bearertokenauth") { Scheme = "" });

        Assert.False(await IsLetInAsync(authenticator, ""));
        Assert.False(await IsLetInAsync(authenticator, "x"));
        Assert.False(await IsLetInAsync(authenticator, StringValues.Empty));
    }

    private static async Task<bool> IsLetInAsync(Authenticator authenticator, StringValues header) =>
        await authenticator.AuthenticateAsync(header, Deadline.Token()) == Authentication.Accepted;

    private BearerAuthenticator Create(BearerTokenOptions options) => new(options, _time, (problem, isNew) => _problems.Add((problem, isNew)));
}
