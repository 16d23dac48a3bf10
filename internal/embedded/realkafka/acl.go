package realkafka

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Closed are the properties of a cluster that does nothing for a client without an ACL that allows it.
var Closed = map[string]string{
	"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
	"allow.everyone.if.no.acl.found": "false",
}

// Right is what an ACL allows: an operation on one resource, in Kafka's words, as TOPIC and READ.
type Right struct {
	Principal string // as User:ann
	Operation string // as READ
	Kind      string // TOPIC, GROUP or CLUSTER
	Name      string
}

// String returns it as people say it: User:ann may READ TOPIC reports.
func (r Right) String() string {
	return fmt.Sprintf("%s may %s %s %s", r.Principal, r.Operation, r.Kind, r.Name)
}

func (r Right) parse() (op kmsg.ACLOperation, kind kmsg.ACLResourceType, err error) {
	if op, err = kmsg.ParseACLOperation(r.Operation); err != nil {
		return 0, 0, err
	}
	kind, err = kmsg.ParseACLResourceType(r.Kind)
	return op, kind, err
}

// Grant makes an ACL of each right.
func (c *Cluster) Grant(ctx context.Context, rights ...Right) error {
	request := kmsg.NewPtrCreateACLsRequest()
	request.Version = 1
	for _, r := range rights {
		op, kind, err := r.parse()
		if err != nil {
			return fmt.Errorf("grant that %s: %w", r, err)
		}
		request.Creations = append(request.Creations, kmsg.CreateACLsRequestCreation{
			ResourceType: kind, ResourceName: r.Name, ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral,
			Principal: r.Principal, Host: "*", Operation: op, PermissionType: kmsg.ACLPermissionTypeAllow,
		})
	}
	response, err := Ask(ctx, c.Internal()[0], "realkafka", request)
	if err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	for i, result := range response.(*kmsg.CreateACLsResponse).Results {
		if err := kerr.ErrorForCode(result.ErrorCode); err != nil {
			return fmt.Errorf("grant that %s: %w", rights[i], err)
		}
	}
	return nil
}

// Revoke takes the ACL of a right away.
func (c *Cluster) Revoke(ctx context.Context, r Right) error {
	op, kind, err := r.parse()
	if err != nil {
		return fmt.Errorf("revoke that %s: %w", r, err)
	}
	request := kmsg.NewPtrDeleteACLsRequest()
	request.Version = 1
	request.Filters = []kmsg.DeleteACLsRequestFilter{{
		ResourceType: kind, ResourceName: &r.Name, ResourcePatternType: kmsg.ACLResourcePatternTypeLiteral,
		Principal: &r.Principal, Operation: op, PermissionType: kmsg.ACLPermissionTypeAllow,
	}}
	response, err := Ask(ctx, c.Internal()[0], "realkafka", request)
	if err != nil {
		return fmt.Errorf("revoke that %s: %w", r, err)
	}
	for _, result := range response.(*kmsg.DeleteACLsResponse).Results {
		if err := kerr.ErrorForCode(result.ErrorCode); err != nil || len(result.MatchingACLs) != 1 {
			return fmt.Errorf("revoke that %s: %d found, %w", r, len(result.MatchingACLs), err)
		}
	}
	return nil
}

// LogRights makes the brokers log every right that is used; those that are wanting they log anyway.
func (c *Cluster) LogRights(ctx context.Context) error {
	for i, addr := range c.Internal() {
		level := "DEBUG"
		request := kmsg.NewPtrIncrementalAlterConfigsRequest()
		request.Version = 0
		request.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
			ResourceType: kmsg.ConfigResourceTypeBrokerLogger, ResourceName: fmt.Sprint(c.brokers[i].id),
			Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "kafka.authorizer.logger", Value: &level}},
		}}
		response, err := Ask(ctx, addr, "realkafka", request)
		if err != nil {
			return fmt.Errorf("log rights: %w", err)
		}
		for _, r := range response.(*kmsg.IncrementalAlterConfigsResponse).Resources {
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				return fmt.Errorf("log rights: %w", err)
			}
		}
	}
	return nil
}

// Rights returns the rights that broker i's log says were used, if LogRights was called, and those that were wanting.
func (c *Cluster) Rights(i int) (used, wanting map[Right]bool, err error) {
	text, err := c.brokers[i].said()
	used, wanting = make(map[Right]bool), make(map[Right]bool)
	for line := range strings.Lines(text) {
		r, allowed, ok := parseRight(line)
		switch {
		case ok && allowed:
			used[r] = true
		case ok:
			wanting[r] = true
		}
	}
	return used, wanting, err
}

// parseRight reads what the authorizer logs: Principal = User:ann is Denied operation = READ from host = 127.0.0.1 on
// resource = Topic:LITERAL:reports for request = ...
func parseRight(line string) (r Right, allowed, ok bool) {
	_, line, ok = strings.Cut(line, "Principal = ")
	who, line, ok1 := strings.Cut(line, " is ")
	verdict, line, ok2 := strings.Cut(line, " operation = ")
	operation, line, ok3 := strings.Cut(line, " from host = ")
	_, line, ok4 := strings.Cut(line, " on resource = ")
	resource, _, ok5 := strings.Cut(line, " for request = ")
	parts := strings.SplitN(resource, ":", 3)
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || len(parts) != 3 {
		return r, false, false
	}
	return Right{who, operation, strings.ToUpper(parts[0]), parts[2]}, verdict == "Allowed", true
}
