using System.Text;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Receive;

public sealed class BasicAuthenticatorTests : IDisposable
{
    // `htpasswd -nbs ann secret`, and the same words by bcrypt at the lowest cost there is.
    private const string Sha = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";
    private static readonly string Bcrypt = BCrypt.Net.BCrypt.HashPassword("secret", 4);

    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _problems = [];
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("ann:secret", true)]
    [InlineData("bob:secret", true)]
    [InlineData("eve:secret:with:colons", true)]
    [InlineData("ann:secre", false)]
    [InlineData("ann:secret ", false)]
    [InlineData("ann:", false)]
    [InlineData("bob:wrong", false)]
    [InlineData("bob:", false)]
    [InlineData("eve:secret", false)]
    [InlineData("nobody:secret", false)]
    [InlineData(":secret", false)]
    [InlineData("ann", false)]
    [InlineData("", false)]
    public async Task Names_and_passwords_of_all_forms_are_checked(string pair, bool isLetIn)
    {
        using var authenticator = Create($"# people\nann:{Sha}\nbob:{Bcrypt}\n\neve:secret:with:colons\n");

        for (var times = 0; times < 2; times++)
        {
            Assert.Equal(isLetIn ? Authentication.Accepted : Authentication.Refused, await CheckAsync(authenticator, pair));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Basic")]
    [InlineData("Basic ???")]
    [InlineData("Bearer YW5uOnNlY3JldA==")]
    public async Task What_is_no_name_and_password_is_refused(string? header)
    {
        using var authenticator = Create("ann:secret");

        Assert.Equal(Authentication.Refused, await authenticator.AuthenticateAsync(header, Deadline.Token()));
    }

    [Fact]
    public async Task A_hash_of_nothing_lets_in_nobody()
    {
        // htpasswd -bB -C 4 with an empty password.
        using var authenticator = new BasicAuthenticator(new BasicAuthOptions("basicauth") { Inline = $"ann:{BCrypt.Net.BCrypt.HashPassword("", 4)}\nbob:{{SHA}}2jmj7l5rSw0yVb/vlWAYkK/YBwk=" }, new FakeTimeProvider(), (_, _) => { });

        foreach (var pair in (string[])["ann:", "bob:"])
        {
            Assert.Equal(Authentication.Refused, await authenticator.AuthenticateAsync("Basic " + Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(pair)), Deadline.Token()));
        }
    }

    [Fact]
    public async Task A_hash_is_not_its_own_password()
    {
        using var authenticator = Create($"ann:{Sha}\nbob:{Bcrypt}");

        Assert.Equal(Authentication.Refused, await CheckAsync(authenticator, $"ann:{Sha}"));
        Assert.Equal(Authentication.Refused, await CheckAsync(authenticator, $"bob:{Bcrypt}"));
    }

    [Fact]
    public async Task What_bcrypt_said_of_a_pair_is_kept()
    {
        using var authenticator = Create($"bob:{BCrypt.Net.BCrypt.HashPassword("secret", 10)}");
        Assert.Equal(Authentication.Accepted, await CheckAsync(authenticator, "bob:secret"));
        Assert.Equal(Authentication.Refused, await CheckAsync(authenticator, "bob:wrong"));

        // What has to be computed is not there at once.
        for (var i = 0; i < 1000; i++)
        {
            var again = authenticator.AuthenticateAsync(HeaderOf(i % 2 == 0 ? "bob:secret" : "bob:wrong"), Deadline.Token());
            Assert.True(again.IsCompleted);
            Assert.Equal(i % 2 == 0 ? Authentication.Accepted : Authentication.Refused, await again);
        }
    }

    [Fact]
    public async Task Who_guesses_waits_in_a_bounded_line_and_whoever_is_known_does_not()
    {
        using var authenticator = Create($"bob:{BCrypt.Net.BCrypt.HashPassword("secret", 10)}");
        Assert.Equal(Authentication.Accepted, await CheckAsync(authenticator, "bob:secret"));

        var guesses = Enumerable.Range(0, 3 * PasswordTable.WaitingMax).Select(i => CheckAsync(authenticator, $"bob:guess{i}")).ToList();
        var known = authenticator.AuthenticateAsync(HeaderOf("bob:secret"), Deadline.Token());

        Assert.True(known.IsCompletedSuccessfully);
        Assert.Equal(Authentication.Accepted, await known);
        var answers = await Task.WhenAll(guesses).InTime();
        Assert.DoesNotContain(Authentication.Accepted, answers);
        Assert.InRange(answers.Count(answer => answer == Authentication.Refused), PasswordTable.WaitingMax, (2 * PasswordTable.WaitingMax) - 1);
    }

    [Fact]
    public async Task Requests_that_come_together_with_one_password_wait_for_one_answer()
    {
        using var authenticator = Create($"bob:{BCrypt.Net.BCrypt.HashPassword("secret", 10)}");

        var requests = Enumerable.Range(0, 3 * PasswordTable.WaitingMax).Select(_ => CheckAsync(authenticator, "bob:secret")).ToList();

        Assert.All(await Task.WhenAll(requests).InTime(), answer => Assert.Equal(Authentication.Accepted, answer));
    }

    [Fact]
    public async Task So_many_requests_wait_for_an_answer_and_no_more()
    {
        using var authenticator = Create($"bob:{BCrypt.Net.BCrypt.HashPassword("secret", 12)}");

        var requests = Enumerable.Range(0, PasswordTable.WaitingRequestsMax + 10).Select(_ => CheckAsync(authenticator, "bob:secret")).ToList();

        var answers = await Task.WhenAll(requests).InTime();
        Assert.Equal(10, answers.Count(answer => answer == Authentication.Busy));
        Assert.Equal(PasswordTable.WaitingRequestsMax, answers.Count(answer => answer == Authentication.Accepted));
        Assert.Equal(Authentication.Refused, await CheckAsync(authenticator, "bob:wrong"));
    }

    [Fact]
    public async Task The_file_is_read_again_and_inline_lines_win_over_it()
    {
        await File.WriteAllTextAsync(_file, "ann:filed\nbob:filed", Deadline.Token());
        using var authenticator = Create(new BasicAuthOptions("basicauth") { PasswordFile = _file, Inline = "bob:inline" });
        Assert.Equal(Authentication.Accepted, await CheckAsync(authenticator, "ann:filed"));
        Assert.Equal(Authentication.Accepted, await CheckAsync(authenticator, "bob:inline"));
        Assert.Equal(Authentication.Refused, await CheckAsync(authenticator, "bob:filed"));

        await File.WriteAllTextAsync(_file, "ann:new", Deadline.Token());
        _time.Advance(BearerAuthenticator.FileInterval);
        Assert.Equal(Authentication.Accepted, await CheckAsync(authenticator, "ann:new"));
        Assert.Equal(Authentication.Refused, await CheckAsync(authenticator, "ann:filed"));

        await File.WriteAllTextAsync(_file, "ann:$apr1$abc$def", Deadline.Token());
        _time.Advance(BearerAuthenticator.FileInterval);
        Assert.StartsWith($"extensions.basicauth.htpasswd.file `{_file}`, line 1, has a password of the form `$apr1$`", Assert.Single(_problems), StringComparison.Ordinal);
        Assert.Equal(Authentication.Accepted, await CheckAsync(authenticator, "ann:new"));
    }

    [Theory]
    [InlineData("", "has no line `name:password`")]
    [InlineData("ann", ", line 1, is not `name:password`")]
    [InlineData("# x\n:secret", ", line 2, is not `name:password`")]
    [InlineData("ann:", ", line 1, has no password")]
    [InlineData("ann:$apr1$abc$def", ", line 1, has a password of the form `$apr1$`")]
    [InlineData("ann:{SSHA}abc", ", line 1, has a password of the form `{SSHA}`")]
    [InlineData("ann:$2y$10$short", ", line 1, has a password of the form `$2`")]
    [InlineData("ann:$2y$31$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ", line 1, has a bcrypt hash of a cost that is not 4 to 16")]
    public void Lines_that_nobody_could_log_in_with_are_refused_at_the_start(string inline, string expected)
    {
        var refused = Assert.Throws<UnusableFileException>(() => Create(inline));

        Assert.StartsWith("extensions.basicauth.htpasswd.inline", refused.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    private static string HeaderOf(string pair) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(pair));

    private static async Task<Authentication> CheckAsync(BasicAuthenticator authenticator, string pair) => await authenticator.AuthenticateAsync(HeaderOf(pair), Deadline.Token());

    private BasicAuthenticator Create(string inline) => Create(new BasicAuthOptions("basicauth") { Inline = inline });

    private BasicAuthenticator Create(BasicAuthOptions options) => new(options, _time, (problem, _) => _problems.Add(problem));
}
