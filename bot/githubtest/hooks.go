package githubtest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

var hookRoutes = []route{
	{"GET /app/hook/config", "jwt", nobody, getHookConfig},
	{"GET /app/hook/deliveries", "jwt", nobody, listDeliveries},
	{"GET /app/hook/deliveries/{id}", "jwt", nobody, getDelivery},
	{"POST /app/hook/deliveries/{id}/attempts", "jwt", nobody, redeliver},
}

func getHookConfig(c *call) (reply, error) {
	return ok(obj{"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": c.who.app.Webhook}), nil
}

// listDeliveries lists the attempts, newest first. The cursor of the next page
// is the id that it starts with.
func listDeliveries(c *call) (reply, error) {
	found := slices.DeleteFunc(list[delivery](c.tx, c.who.app.ID), func(d *delivery) bool { return d.Delivered.IsZero() })
	slices.SortFunc(found, func(a, b *delivery) int { return cmp.Compare(b.ID, a.ID) })
	if cursor := c.query("cursor"); cursor != "" {
		from, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return reply{}, refuse(http.StatusBadRequest, "Invalid cursor")
		}
		found = slices.DeleteFunc(found, func(d *delivery) bool { return d.ID > from })
	}
	per := min(c.number("per_page", 30), 100)
	if len(found) > per {
		c.link = "<" + c.api("/app/hook/deliveries?per_page=%d&cursor=%d", per, found[per].ID) + `>; rel="next"`
		found = found[:per]
	}
	return ok(each(found, deliveryJSON)), nil
}

func (c *call) delivery() (*delivery, error) {
	d := get[delivery](c.tx, c.id("id"))
	if d == nil || d.Parent != c.who.app.ID || d.Delivered.IsZero() {
		return nil, errNotFound
	}
	return d, nil
}

func getDelivery(c *call) (reply, error) {
	d, err := c.delivery()
	if err != nil {
		return reply{}, err
	}
	o := deliveryJSON(d)
	o["url"] = c.who.app.Webhook
	o["request"] = obj{"headers": d.RequestHeader, "payload": d.Payload}
	o["response"] = obj{"headers": d.ResponseHeader, "payload": d.Response}
	return ok(o), nil
}

func redeliver(c *call) (reply, error) {
	d, err := c.delivery()
	if err != nil {
		return reply{}, err
	}
	again := &delivery{GUID: d.GUID, Event: d.Event, Action: d.Action, Installation: d.Installation, Repo: d.Repo,
		Redelivery: true, Payload: d.Payload}
	again.Parent = d.Parent
	c.enqueue(again)
	return reply{http.StatusAccepted, obj{}}, nil
}

func deliveryJSON(d *delivery) obj {
	o := obj{
		"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.Delivered), "redelivery": d.Redelivery, "duration": d.Duration,
		"status": d.Status, "status_code": d.Code, "event": d.Event, "action": orNil(d.Action),
		"installation_id": d.Installation, "repository_id": nil, "throttled_at": nil,
	}
	if d.Repo != 0 {
		o["repository_id"] = d.Repo
	}
	return o
}
